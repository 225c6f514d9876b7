"""`lifecycle journal` and what it can do."""

import json
import subprocess
import sys

import pytest

from infra.cli.init import write_app
from tasks.journal.journal import Journal


def lifecycle(*arguments):
    command = [sys.executable, "-m", "infra.cli.main", "journal", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


@pytest.fixture
def path(fresh_settings):
    path = fresh_settings.folder() / "journal.db"
    with Journal(path) as journal:
        journal.put("a", "first", "smollm2-135m", {"text": "Ada", "usage": [1000, 50, 0]})
        journal.put("b", "first", "house", {"text": "김하늘", "usage": [10, 5, 0]}, user="user-7")
        journal.put("c", "second", "house", {"text": "no", "usage": [10, 5, 0]})
        journal.get("a")
    return path


def _keys(path):
    with Journal(path) as journal:
        return [key for key in "abc" if journal.get(key)]


def test_one_json_document_says_what_is_there(path):
    ended = lifecycle("--json")
    assert (ended.returncode, ended.stderr) == (0, "")
    document = json.loads(ended.stdout)
    assert document["file"] == str(path)
    assert document["bytes"] > 0
    assert document["damaged"] is None
    records = [(entry["epoch"], entry["model"], entry["calls"], entry["price"]) for entry in document["records"]]
    assert records == [("first", "house", 1, None), ("first", "smollm2-135m", 1, 0.0), ("second", "house", 1, None)]
    (saved,) = document["saved"]
    assert saved == {
        "model": "smollm2-135m", "kind": "chat", "calls": 1, "input": 1000, "output": 50, "cached": 0, "price": 0.0,
    }  # fmt: skip


def test_a_table_for_people(path):
    said = lifecycle("--verify").stdout
    for part in (str(path), "house", "second", "1,000", "unknown", "not asked again", "every record is whole"):
        assert part in said


def test_a_journal_that_does_not_exist_yet_is_an_empty_one(fresh_settings):
    assert "nothing yet" in lifecycle().stdout
    assert json.loads(lifecycle("erase", "--user", "user-7", "--json").stdout)["records"] == 0


def test_damaged_records_are_counted_when_looked_for_and_repaired(path):
    content = path.read_bytes()
    path.write_bytes(content.replace(b'"text":"Ada"', b'"text":"Bda"'))
    assert json.loads(lifecycle("--verify", "--json").stdout)["damaged"] == 1
    assert "lifecycle journal repair" in lifecycle("--verify").stdout
    assert lifecycle("repair").stderr == "kept 2 records, 1 were damaged and are asked again\n"
    assert _keys(path) == ["b", "c"]


def test_pruning_counts_then_removes(path):
    assert lifecycle("prune", "--epoch", "first", "--model", "house", "--dry-run").stderr == (
        "would have pruned 1 record\n"
    )
    assert lifecycle("prune", "--older-than", "30d").stderr == "pruned 0 records\n"
    assert lifecycle("prune", "--epoch", "first", "--model", "house").stderr == "pruned 1 record\n"
    assert _keys(path) == ["a", "c"]


def test_erasing_says_how_many_and_leaves_no_byte(path):
    assert json.loads(lifecycle("erase", "--text", "ADA", "--ignore-case", "--dry-run", "--json").stdout) == {
        "records": 1, "damaged": 0, "dry_run": True,
    }  # fmt: skip
    assert lifecycle("erase", "--text", "ADA", "--ignore-case").stderr == "erased 1 record\n"
    assert lifecycle("erase", "--user", "user-7").stderr == "erased 1 record\n"
    raw = b"".join(file.read_bytes() for file in path.parent.glob("journal.db*"))
    assert b"Ada" not in raw
    assert "김하늘".encode() not in raw
    assert _keys(path) == ["c"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("prune",), "error: journal prune: say which records; give --older-than, --epoch or --model"),
        (("prune", "--older-than", "soon"), "error: --older-than 'soon': give a number and h, d or w, such as 30d"),
        (("erase",), "error: journal erase: say what to erase; give --text or --user"),
        (("erase", "--text", "  "), "error: journal erase: say what to erase; give --text or --user"),
    ],
)
def test_bad_usage_is_one_line_and_removes_nothing(path, arguments, said):
    ended = lifecycle(*arguments)
    assert (ended.returncode, ended.stderr) == (2, f"{said}\n")
    assert _keys(path) == ["a", "b", "c"]


@pytest.mark.parametrize("arguments", [(), ("erase", "--text", "x"), ("prune", "--epoch", "first"), ("repair",)])
def test_a_file_that_is_no_journal_is_one_line(fresh_settings, arguments):
    (fresh_settings.folder() / "journal.db").write_text("this is a text, and a long one: " * 100)
    ended = lifecycle(*arguments)
    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1
    assert "move it away and run the same command again" in ended.stderr


def test_an_apps_own_prices_count_and_deferred_calls_cost_less(path, tmp_path):
    app = write_app("helpdesk", tmp_path / "helpdesk")
    price = {"as_of": "2026-11-01", "models": {"house": {"input": 1.0, "output": 2.0, "deferred": 0.5}}}
    (app / "prices.yaml").write_text(json.dumps(price))
    with Journal(path) as journal:
        journal.put("d", "third", "house", {"text": "later", "usage": [1000, 500, 0]}, kind="deferred")
    records = json.loads(lifecycle("--app", str(app), "--json").stdout)["records"]
    prices = {(entry["epoch"], entry["kind"]): entry["price"] for entry in records if entry["model"] == "house"}
    assert prices["first", "chat"] == pytest.approx((10 * 1 + 5 * 2) / 1e6)
    assert prices["third", "deferred"] == pytest.approx((1000 * 1 + 500 * 2) / 1e6 / 2)
