"""`lifecycle review`: each word is kept at once; whoever stops goes on where he was."""

import json

import pytest
from typer.testing import CliRunner

from configs.settings import settings
from infra.cli.init import write_app
from infra.cli.main import app
from tasks.calling.answer import Passage
from tasks.data.row import Message
from tasks.harvesting.picked import Picked, Reason
from tasks.harvesting.queue import Queue, queue_path


def pick(number, answer="It is 43."):
    because = (Reason("down-voted", "wrong"), Reason("random"))
    passages = (Passage("D1", "The rope costs 43 dollars."),)
    messages = (Message("user", f"What is question {number}?"),)
    return Picked(
        f"r{number}", number, "2026-11-01", "c" * 16, "", messages, {}, answer, "timed out", passages, because, 0.5, 2.0
    )


@pytest.fixture
def helpdesk(fresh_settings):
    """Folder of an app with four picks, of which the last one failed; yields the folder and the queue."""
    folder = write_app("helpdesk", fresh_settings.home.parent / "helpdesk")
    with Queue(queue_path(settings().folder(), "helpdesk")) as queue:
        queue.enter([pick(1), pick(2), pick(3), pick(4, "")], [], {}, {}, 4)
        yield folder, queue


@pytest.fixture
def review(helpdesk):
    """Reviews with what is typed; returns what was shown."""

    def run(typed, *arguments):
        return CliRunner().invoke(app, ["review", "--app", str(helpdesk[0]), "--who", "kim", *arguments], input=typed)

    return run


def test_a_pick_is_accepted_corrected_unanswerable_or_rejected(review, helpdesk):
    ended = review("a\nIt is 44, mail bob@example.com\nU\nr\n")
    assert ended.exit_code == 0
    assert {each.request: (each.state, each.reference, each.who) for each in helpdesk[1].all()} == {
        "r1": ("accepted", "", "kim"),
        "r2": ("corrected", "It is 44, mail <EMAIL_ADDRESS>", "kim"),
        "r3": ("unanswerable", "", "kim"),
        "r4": ("rejected", "", "kim"),
    }
    for shown in ("down-voted: wrong; random", "What is question 1?", "passage D1", "It is 43.", "timed out"):
        assert shown in ended.output
    assert "4 reviewed, 0 wait; `lifecycle run harvest --app" in ended.output


def test_stopped_and_gone_on_with_no_pick_is_shown_twice(review, helpdesk):
    review("a\n")  # then the input ends
    ended = review("s\nr\nq\n")
    assert "What is question 1?" not in ended.output
    assert [each.state for each in helpdesk[1].all()] == ["accepted", "pending", "rejected", "pending"]
    assert "1 reviewed, 2 wait" in ended.output


def test_what_cannot_be_meant_is_asked_again(review, helpdesk):
    ended = review("r\nr\nr\na\n\nx\nu\n")
    assert "there is no answer to accept" in ended.output
    assert "no such letter" in ended.output
    assert helpdesk[1].all()[3].state == "unanswerable"


def test_only_so_many_are_shown(review, helpdesk):
    review("r\n" * 4, "--rows", "2")
    assert helpdesk[1].counts()["rejected"] == 2


def test_the_queue_is_listed_as_json(review, helpdesk):
    listed = json.loads(review("", "--json").stdout)
    assert listed["queue"]["pending"] == 4
    assert listed["pending"][0] == {
        "request": "r1",
        "at": "2026-11-01",
        "candidate": "c" * 16,
        "because": ["down-voted: wrong", "random"],
        "probability": 0.5,
        "weight": 2.0,
        "messages": [{"role": "user", "content": "What is question 1?"}],
        "passages": [{"id": "D1", "text": "The rope costs 43 dollars."}],
        "answer": "It is 43.",
        "cause": "timed out",
    }


def test_without_a_queue_it_says_what_makes_one(fresh_settings):
    folder = write_app("empty", fresh_settings.home.parent / "empty")
    ended = CliRunner().invoke(app, ["review", "--app", str(folder)])
    assert "nothing waits for a review; `lifecycle run harvest --app" in str(ended.exception)
    assert not queue_path(fresh_settings.home, "empty").exists()
