"""What people say of served answers, as assessments of their traces."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tasks.curating.redacting import redacted
from tasks.tracking.connection import connect
from tasks.tracking.sending import found_trace
from tasks.tracking.traced import trace_id_of
from tasks.tracking.traces import served_key

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import TraceInfo

    from tasks.serving.votes import Vote

NAME = "vote"
"""Name of the assessment: true for up, false for down; the comment, without personal data, is its rationale."""
_NUMBER = "lifecycle.vote"
"""Metadata of the assessment: the vote's number, a blank, and when it was given or changed last."""


def write_votes(votes: "Sequence[Vote]") -> "list[Vote]":
    """Writes votes to the traces of their requests, and returns those whose trace is not there.

    One that is there is not written again; one that a person has changed takes the place of what it was before.

    Args:
        votes: of requests that have their traces.

    Raises:
        StackError: MLflow does not answer.
    """
    missing = []
    with connect() as client:
        for vote in votes:
            info = found_trace(client, trace_id_of(served_key(vote.request)))
            if info is None:
                missing.append(vote)
            else:
                _write(client, vote, info)
    return missing


def _write(client: "MlflowClient", vote: "Vote", info: "TraceInfo") -> None:
    from mlflow.entities import AssessmentSource, AssessmentSourceType, Feedback
    from mlflow.tracing.client import TracingClient

    name = f"{vote.number} {vote.at.isoformat()}"
    known = {each.assessment_id: (each.metadata or {}).get(_NUMBER, "") for each in info.assessments}
    before = [key for key, told in known.items() if told.partition(" ")[0] == str(vote.number)]
    if [known[key] for key in before] == [name]:
        return
    told = Feedback(
        name=NAME,
        value=vote.good,
        source=AssessmentSource(AssessmentSourceType.HUMAN, vote.key or "user"),
        trace_id=info.trace_id,
        # Also where there is none: the comment of a vote that is changed would stay.
        rationale=redacted(vote.comment).text,
        metadata={_NUMBER: name},
    )
    tracing = TracingClient(client.tracking_uri)
    # MLflow's client sends again what was not answered, and a vote may be there twice.
    for key in before[1:]:
        tracing.delete_assessment(info.trace_id, key)
    if before:
        tracing.update_assessment(info.trace_id, before[0], told)
    else:
        tracing.log_assessment(info.trace_id, told)
