"""Served requests are read as columns, in the order in which they were recorded."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tasks.calling.answer import Answer, Latency, Outcome, ToolCall, Usage
from tasks.data.row import Message
from tasks.rollout.placing import Placed
from tasks.serving.reading import ServedReader
from tasks.serving.record import RecordStore
from tasks.serving.served import Served
from tasks.serving.votes import Vote

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def served(name, at=0, outcome=Outcome.OK, candidate="c1", row_id=""):
    answer = Answer(name, outcome, f"answer {name}", "", usage=Usage(9, 3, 1), latency=Latency(0.2), price=0.5)
    messages = (Message("system", "Be brief."), Message("user", f"question {name}"))
    return Served(name, NOON + timedelta(seconds=at), candidate, 1, row_id, messages, {}, answer)


@pytest.fixture
def store(tmp_path):
    with RecordStore(tmp_path / "served.db") as made:
        yield made


def test_order_of_recording_is_no_order_of_time(store):
    store.add_all([served("late", 50), served("early", 10), served("other", 20, candidate="c2"), served("last", -9999)])
    with ServedReader(store.path) as reader:
        first = reader.after("c1", 0, 2)
        assert [each.facts.id for each in first] == ["late", "early"]
        assert [each.facts.id for each in reader.after("c1", first[-1].number, 10)] == ["last"]
        assert [each.id for each in reader.window(NOON, NOON + timedelta(hours=1), "c1")] == ["early", "late"]
        assert reader.later_than(NOON + timedelta(seconds=50), "c1") == 1


def test_facts_are_those_of_the_request(store):
    store.add(served("one", row_id="p1"))
    store.votes.add(Vote("one", good=False, comment="", at=NOON))
    with ServedReader(store.path) as reader:
        [facts] = reader.window(NOON, NOON + timedelta(hours=1), "c1")
        assert (facts.row_id, facts.outcome, facts.price, facts.cached_tokens, facts.down) == ("p1", "ok", 0.5, 1, 1)
        assert reader.played("c1") == {"p1"}
        assert reader.questions(["one", "none"]) == {"one": "question one"}
        assert reader.answers(["one"]) == {"one": "answer one"}


def test_errors_and_votes_are_counted_whoever_answered(store):
    store.add_all([
        served("a"), served("b", outcome=Outcome.APP_ERROR, candidate="c2"), served("c", outcome=Outcome.SKIPPED)
    ])  # fmt: skip
    store.votes.add(Vote("a", good=True, comment="", at=NOON))
    store.votes.add(Vote("b", good=False, comment="", at=NOON))
    with ServedReader(store.path) as reader:
        assert reader.errors(NOON, NOON + timedelta(hours=1)) == (2, 1)
        assert reader.voted_down(NOON, NOON + timedelta(hours=1)) == (2, 1)
        assert reader.errors(NOON - timedelta(hours=1), NOON) == (0, 0)


def test_copies_are_nobodys_requests_and_what_another_model_or_a_tool_said_is_not_the_candidates(store):
    calling = served("calling", 3)
    calls = (ToolCall("t1", "weather", "{}"),)
    failed = served("copy", 2, outcome=Outcome.APP_ERROR, row_id="p1")
    store.add_all([
        served("canary", 1),
        replace(failed, placed=Placed("r1", "shadow", 0.0, "somebody")),
        replace(calling, answer=replace(calling.answer, tool_calls=calls)),
        replace(served("spare", 4), fallback="spare"),
    ])  # fmt: skip
    for each in ("canary", "copy", "calling", "spare"):
        store.votes.add(Vote(each, good=False, comment="", at=NOON))
    with ServedReader(store.path) as reader:
        hour = NOON + timedelta(hours=1)
        assert [each.id for each in reader.window(NOON, hour, "c1")] == ["canary"]
        assert [each.facts.id for each in reader.after("c1", 0, 9)] == ["canary"]
        assert [each.request for each in reader.votes_after("c1", 0, 9)] == ["canary"]
        assert (reader.played("c1"), reader.later_than(NOON, "c1")) == (frozenset(), 1)
        assert (reader.errors(NOON, hour), reader.voted_down(NOON, hour)) == ((3, 0), (3, 3))
