"""A vote on a served answer is an assessment of its trace, once, and the last one that a person has cast."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import mlflow
import pytest
from mlflow.entities import AssessmentSource, AssessmentSourceType
from mlflow.tracing.client import TracingClient

from tasks.calling.answer import Answer, Outcome
from tasks.data.row import Message
from tasks.serving.served import Served
from tasks.serving.votes import Vote
from tasks.tracking.traced import trace_id_of
from tasks.tracking.traces import served_key, write_served_traces
from tasks.tracking.votes import NAME, write_votes

AT = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def trace():
    """Writes the trace of a request, and returns its id."""

    def write(request):
        answer = Answer(request, Outcome.OK, "Yes.", attempts=1)
        served = Served(request, AT, "c" * 16, 1, "", (Message("user", "Is it?"),), {}, answer, ())
        write_served_traces("voted-shop", [served])
        return trace_id_of(served_key(request))

    return write


@pytest.fixture
def told(client):
    """Reads the votes on a trace: value, comment and source of each, in the order of their numbers."""

    def read(trace_id):
        known = TracingClient(client.tracking_uri).get_trace_info(trace_id).assessments
        votes = sorted((each for each in known if each.name == NAME), key=lambda each: each.metadata["lifecycle.vote"])
        assert all(each.valid for each in votes)
        assert {each.source.source_type for each in votes} <= {"HUMAN"}
        return [(each.feedback.value, each.rationale, each.source.source_id) for each in votes]

    return read


def test_a_vote_is_a_persons_assessment_and_written_once(trace, told):
    written = trace("chatcmpl-voted")
    votes = [
        Vote("chatcmpl-voted", good=False, comment="틀렸어요", at=AT, key="lk-1", number=1),
        Vote("chatcmpl-voted", good=True, comment="", at=AT, number=2),
    ]
    gone = Vote("chatcmpl-gone", good=True, comment="", at=AT, number=3)
    assert write_votes([*votes, gone]) == [gone]
    assert write_votes(votes) == []
    assert told(written) == [(False, "틀렸어요", "lk-1"), (True, None, "user")]


def test_a_vote_that_is_changed_takes_the_place_of_the_one_before(trace, told):
    written = trace("chatcmpl-changed")
    down = Vote("chatcmpl-changed", good=False, comment="No!", at=AT, key="lk-1", number=1)
    other = Vote("chatcmpl-changed", good=False, comment="", at=AT, number=11)
    up = replace(down, good=True, comment="", at=AT + timedelta(minutes=1))
    write_votes([down, other])
    for _ in range(2):
        assert write_votes([up]) == []
        assert told(written) == [(True, None, "lk-1"), (False, None, "user")]


def test_a_vote_that_is_there_twice_becomes_one_when_it_is_changed(trace, told, client):
    written = trace("chatcmpl-twice")
    vote = Vote("chatcmpl-twice", good=False, comment="No!", at=AT, key="lk-1", number=1)
    write_votes([vote])
    mlflow.set_tracking_uri(client.tracking_uri)
    source = AssessmentSource(AssessmentSourceType.HUMAN, "lk-1")
    again = {"lifecycle.vote": f"1 {AT.isoformat()}"}
    mlflow.log_feedback(trace_id=written, name=NAME, value=False, source=source, metadata=again)
    assert len(told(written)) == 2
    write_votes([replace(vote, good=True, at=AT + timedelta(minutes=1))])
    assert told(written) == [(True, "No!", "lk-1")]


def test_a_comment_is_written_without_personal_data(trace, told):
    written = trace("chatcmpl-called")
    write_votes([Vote("chatcmpl-called", good=False, comment="Wrong, mail jane@example.com.", at=AT, number=1)])
    assert told(written) == [(False, "Wrong, mail <EMAIL_ADDRESS>.", "user")]
