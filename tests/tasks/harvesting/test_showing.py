"""What MLflow shows of a pick: the request's own trace, or a redacted copy where that shows more than the pick."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from configs.errors import StackError
from tasks.calling.answer import Answer, Outcome, Passage
from tasks.data.row import Message
from tasks.harvesting import showing
from tasks.harvesting.showing import show_queue
from tasks.serving.record import record_store
from tasks.serving.served import Served

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
MAIL = "Mail jane@example.com."
PASSAGE = Passage("D1", "A rope.")
ASKED = (Message("user", "Dear?"),)
ANSWER = Answer("r1", Outcome.OK, "No idea.", messages=ASKED, context=(PASSAGE,), attempts=1)
SERVED = Served("r1", NOON, "c" * 16, 1, "", (Message("user", "How dear is the rope?"),), {}, ANSWER, ("abstained",))


class MLflow:
    """Traces of requests and of their copies, in memory; `keeps` says whether what is written is kept."""

    def __init__(self):
        self.own, self.copies, self.states, self.keeps = {}, {}, {}, True

    def write_served_traces(self, _, served):
        self.own |= {each.id: each for each in served if self.keeps}

    def write_redacted_traces(self, _, copies):
        self.copies |= {each.id: each for each in copies}

    def show_states(self, states):
        there = {**self.own, **self.copies}
        self.states |= {request: state for request, state in states.items() if request in there}
        return tuple(request for request in states if request not in there)


@pytest.fixture
def mlflow(monkeypatch):
    made = MLflow()
    for name in ("write_served_traces", "write_redacted_traces", "show_states"):
        monkeypatch.setattr(showing, name, getattr(made, name))
    return made


@pytest.fixture
def show(mlflow, harvest, queue):
    """Harvests a request that was served, and shows the queue."""

    def run(folder, served):
        with record_store("shop") as store:
            store.add(served)
            harvest(folder)
            return show_queue("shop", queue, store)

    return run


def test_a_request_without_personal_data_is_shown_by_its_own_trace(mlflow, show, make_shop):
    assert show(make_shop(), SERVED) == 1
    assert (mlflow.own, mlflow.copies, mlflow.states) == ({"r1": SERVED}, {}, {"r1": "pending"})
    with record_store("shop") as store:
        assert store.untraced(5) == []


@pytest.mark.parametrize(
    "served",
    [
        replace(SERVED, messages=(Message("user", MAIL), Message("user", "Yes?"))),
        replace(SERVED, answer=replace(ANSWER, text=MAIL)),
        replace(SERVED, answer=replace(ANSWER, text="", outcome=Outcome.APP_ERROR, cause=MAIL), flags=("error",)),
        replace(SERVED, answer=replace(ANSWER, context=(Passage("D1", MAIL),))),
        replace(SERVED, answer=replace(ANSWER, messages=(Message("system", MAIL),))),
        replace(SERVED, columns={"customer": "c-77"}),
    ],
    ids=["the conversation", "the answer", "why it failed", "a passage", "what the model was sent", "who asks"],
)
def test_one_with_personal_data_anywhere_in_its_trace_is_shown_by_a_copy(served, mlflow, show, make_shop):
    mlflow.own = {"r1": served}
    assert show(make_shop(user="customer"), served) == 1
    copy = mlflow.copies["r1"]
    assert "jane@" not in repr(copy) and "c-77" not in repr(copy)
    assert (copy.id, copy.at, copy.flags) == ("r1", NOON, served.flags)


def test_a_trace_that_mlflow_did_not_keep_is_told_and_shown_by_the_next_harvest(mlflow, show, make_shop, queue):
    mlflow.keeps = False
    with pytest.raises(StackError, match="no trace of request r1"):
        show(make_shop(), SERVED)
    mlflow.keeps = True
    with record_store("shop") as store:
        assert [show_queue("shop", queue, store) for _ in range(2)] == [1, 0]
    assert mlflow.states == {"r1": "pending"}
