"""What was compared of a served adapter is kept for as long as it stays what is served."""

from tasks.tuning import comparing
from tasks.tuning.comparing import Agreement, keep_agreement, kept_agreement

FOUND = Agreement(same=98, tokens=100, rows=10)


def test_what_was_compared_is_not_compared_again(tmp_path):
    keep_agreement(tmp_path, "one", FOUND)
    assert kept_agreement(tmp_path, "one") == FOUND


def test_another_adapter_is_compared_anew(tmp_path):
    keep_agreement(tmp_path, "one", FOUND)
    assert kept_agreement(tmp_path, "other") is None


def test_another_release_of_the_server_is_compared_anew(tmp_path, monkeypatch):
    keep_agreement(tmp_path, "one", FOUND)
    monkeypatch.setattr(comparing, "version", lambda package: f"{package} of tomorrow")
    assert kept_agreement(tmp_path, "one") is None


def test_nothing_is_taken_from_a_damaged_file(tmp_path):
    assert kept_agreement(tmp_path, "one") is None
    keep_agreement(tmp_path, "one", FOUND)
    (tmp_path / "served.json").write_text('{"of": ["one"')
    assert kept_agreement(tmp_path, "one") is None
