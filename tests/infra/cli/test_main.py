import sys

import pytest

from configs.errors import ReleaseError
from infra.cli import main as command


@pytest.fixture
def fails(monkeypatch):
    """Runs `main` over a command that raises."""

    def run(error, *options):
        def app(*_, **__):
            raise error

        monkeypatch.setattr(command, "app", app)
        monkeypatch.setattr(sys, "argv", ["lifecycle", *options])
        with pytest.raises(SystemExit) as ended:
            command.main()
        return ended.value.code

    return run


def test_an_error_of_the_family_is_its_message_and_its_status(fails, capsys):
    assert fails(ReleaseError("the release log is broken at entry 3; restore it")) == 1
    assert capsys.readouterr().err == "error: the release log is broken at entry 3; restore it\n"


def test_any_other_error_is_one_line_that_says_how_to_see_more(fails, capsys):
    assert fails(ValueError("first\nsecond")) == 1
    assert capsys.readouterr().err == "error: ValueError: first second; run again with --debug for the traceback\n"


def test_debug_shows_the_traceback(fails, capsys):
    assert fails(ValueError("why"), "--debug") == 1
    said = capsys.readouterr().err
    assert said.startswith("Traceback")
    assert said.endswith("error: ValueError: why\n")
