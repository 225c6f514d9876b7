"""Which served requests get traces, and that one is noted to have its trace only once MLflow has it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from configs.errors import StackError
from tasks.calling.answer import Answer, Latency, Outcome, Usage
from tasks.data.row import Message
from tasks.serving.record import RecordStore
from tasks.serving.served import Served
from tasks.serving.votes import Vote
from tasks.watching import tracing
from tasks.watching.tracing import trace_served

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class MLflow:
    """Keeps traces and votes in the order in which they came, each once; after `room` of them it is away."""

    def __init__(self):
        self.kept, self.room = [], 10_000

    def write_served_traces(self, _, served):
        for each in served:
            self._keep(each.id)

    def write_votes(self, votes):
        there = [vote for vote in votes if vote.request in self.kept]
        for vote in there:
            self._keep((vote.request, vote.good))
        return [vote for vote in votes if vote not in there]

    def _keep(self, what):
        if what in self.kept:
            return
        if len(self.kept) == self.room:
            raise StackError("MLflow does not answer")
        self.kept.append(what)


@pytest.fixture
def mlflow(monkeypatch):
    """MLflow in memory, which is written to in parts of two requests."""
    made = MLflow()
    monkeypatch.setattr("tasks.tracking.traces.write_served_traces", made.write_served_traces)
    monkeypatch.setattr("tasks.tracking.votes.write_votes", made.write_votes)
    monkeypatch.setattr(tracing, "_AT_ONCE", 2)
    return made


@pytest.fixture
def store(tmp_path):
    with RecordStore(tmp_path / "served.db") as opened:
        yield opened


@pytest.fixture
def serve(store):
    """Adds so many requests that have not been looked at: r0, r1, …; those at `failed` were not answered."""

    def add(count, failed=()):
        for n in range(count):
            outcome, text = (Outcome.APP_ERROR, "") if n in failed else (Outcome.OK, "yes")
            answer = Answer(f"r{n}", outcome, text, usage=Usage(9, 3), latency=Latency(0.2), attempts=1)
            asked = (Message("user", "Is it dry?"),)
            store.add(Served(f"r{n}", NOON + timedelta(seconds=n), "c1", 1, "", asked, {}, answer))

    return add


@pytest.fixture
def vote(store):
    def add(request, *, good=False, minutes=0):
        assert store.votes.add(Vote(request, good, "", NOON + timedelta(minutes=minutes)))

    return add


@pytest.fixture
def trace(shop, store, mlflow):
    """Traces what was served, at a share; returns of how many requests."""

    def run(share=1.0):
        monitor = shop.loaded.app.monitor.model_copy(update={"trace_share": share})
        app = shop.loaded.app.model_copy(update={"monitor": monitor})
        return trace_served(SimpleNamespace(name="shop", loaded=replace(shop.loaded, app=app)), store)

    return run


def test_errors_and_what_was_voted_on_are_traced_at_any_share(serve, vote, trace, mlflow):
    serve(9, failed=(2, 8))
    vote("r5")
    assert trace(share=0.0) == 3
    assert mlflow.kept == ["r2", "r5", "r8", ("r5", False)]


def test_of_the_others_the_share_is_traced_and_the_rest_is_decided_once(serve, trace, mlflow):
    serve(100)
    written = trace(share=0.3)
    assert 15 < written < 45 and written == len(mlflow.kept)
    assert trace(share=1.0) == 0


def test_what_mlflow_missed_is_written_once_when_it_is_back(serve, vote, trace, mlflow, store):
    serve(7)
    vote("r0")
    mlflow.room = 3
    with pytest.raises(StackError):
        trace()
    assert mlflow.kept == ["r0", "r1", "r2"]
    assert [each.id for each in store.untraced(10)] == ["r2", "r3", "r4", "r5", "r6"], "the first part alone was whole"
    mlflow.room = 10_000
    assert trace() == 5
    assert mlflow.kept == [*(f"r{n}" for n in range(7)), ("r0", False)]
    assert trace() == 0 and store.untraced(10) == []


def test_what_no_trace_is_wanted_for_waits_for_mlflow_too(serve, trace, mlflow, store):
    serve(2, failed=(0,))
    mlflow.room = 0
    with pytest.raises(StackError):
        trace(share=0.0)
    assert [each.id for each in store.untraced(10)] == ["r0", "r1"]


def test_votes_that_mlflow_missed_are_written_by_the_next_look(serve, vote, trace, mlflow):
    serve(3)
    for request in ("r0", "r1", "r2"):
        vote(request)
    mlflow.room = 5
    with pytest.raises(StackError):
        trace()
    assert mlflow.kept == ["r0", "r1", "r2", ("r0", False), ("r1", False)]
    mlflow.room = 10_000
    assert trace() == 0
    assert mlflow.kept[5:] == [("r2", False)]


def test_a_vote_on_what_has_no_trace_brings_the_trace_first(serve, vote, trace, mlflow):
    serve(2)
    assert trace(share=0.0) == 0
    vote("r1")
    assert trace(share=0.0) == 1
    vote("r1", good=True, minutes=1)
    assert trace(share=0.0) == 1, "written again, and there already"
    assert mlflow.kept == ["r1", ("r1", False), ("r1", True)]


def test_a_trace_that_is_gone_before_its_vote_was_written_comes_back_first(serve, vote, trace, mlflow):
    serve(1)
    vote("r0")
    mlflow.room = 1
    with pytest.raises(StackError):
        trace()
    assert mlflow.kept == ["r0"]
    mlflow.kept.clear()
    mlflow.room = 10_000
    assert (trace(), trace(), trace()) == (0, 1, 0)
    assert mlflow.kept == ["r0", ("r0", False)]
