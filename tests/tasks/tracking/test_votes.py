"""A vote on a served answer is an assessment of its trace, once."""

from datetime import UTC, datetime

from mlflow.tracing.client import TracingClient

from tasks.calling.answer import Answer, Outcome
from tasks.data.row import Message
from tasks.serving.served import Served
from tasks.serving.votes import Vote
from tasks.tracking.traced import trace_id_of
from tasks.tracking.traces import served_key, write_served_traces
from tasks.tracking.votes import NAME, write_votes

AT = datetime(2026, 3, 1, tzinfo=UTC)


def test_a_vote_is_a_persons_assessment_and_written_once(client):
    answer = Answer("chatcmpl-voted", Outcome.OK, "Yes.", attempts=1)
    served = Served("chatcmpl-voted", AT, "c" * 16, 1, "", (Message("user", "Is it?"),), {}, answer, ())
    write_served_traces("voted-shop", [served])
    votes = [
        Vote("chatcmpl-voted", good=False, comment="틀렸어요", at=AT, key="lk-1", number=1),
        Vote("chatcmpl-voted", good=True, comment="", at=AT, number=2),
    ]
    gone = Vote("chatcmpl-gone", good=True, comment="", at=AT, number=3)
    assert write_votes([*votes, gone]) == [gone]
    assert write_votes(votes) == []
    known = TracingClient(client.tracking_uri).get_trace_info(trace_id_of(served_key("chatcmpl-voted"))).assessments
    told = sorted((each for each in known if each.name == NAME), key=lambda each: each.metadata["lifecycle.vote"])
    assert [(each.feedback.value, each.rationale, each.source.source_id) for each in told] == [
        (False, "틀렸어요", "lk-1"),
        (True, None, "user"),
    ]
    assert {each.source.source_type for each in told} == {"HUMAN"}
