"""What people say of served answers, as assessments of their traces."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tasks.tracking.connection import connect
from tasks.tracking.traced import trace_id_of
from tasks.tracking.traces import served_key

if TYPE_CHECKING:
    from tasks.serving.record import Vote

NAME = "vote"
"""Name of the assessment: true for up, false for down; the comment is its rationale."""
_NUMBER = "lifecycle.vote"


def write_votes(votes: "Sequence[Vote]") -> None:
    """Writes votes to the traces of their requests; one that is there is not written again.

    Args:
        votes: of requests that have their traces.

    Raises:
        StackError: MLflow does not answer.
    """
    from mlflow.entities import AssessmentSource, AssessmentSourceType, Feedback
    from mlflow.tracing.client import TracingClient

    with connect() as client:
        tracing = TracingClient(client.tracking_uri)
        for vote in votes:
            trace = trace_id_of(served_key(vote.request))
            known = tracing.get_trace_info(trace).assessments
            if any((each.metadata or {}).get(_NUMBER) == str(vote.number) for each in known):
                continue
            source = AssessmentSource(AssessmentSourceType.HUMAN, vote.key or "user")
            told = Feedback(
                name=NAME,
                value=vote.good,
                source=source,
                trace_id=trace,
                rationale=vote.comment or None,
                metadata={_NUMBER: str(vote.number)},
            )
            tracing.log_assessment(trace, told)
