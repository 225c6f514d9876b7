"""What people say of served answers, as assessments of their traces."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tasks.tracking.connection import connect
from tasks.tracking.traced import trace_id_of
from tasks.tracking.traces import served_key

if TYPE_CHECKING:
    from tasks.serving.votes import Vote

NAME = "vote"
"""Name of the assessment: true for up, false for down; the comment is its rationale."""
_NUMBER = "lifecycle.vote"


def write_votes(votes: "Sequence[Vote]") -> "list[Vote]":
    """Writes votes to the traces of their requests, and returns those whose trace is not there.

    One that is there is not written again.

    Args:
        votes: of requests that have their traces.

    Raises:
        StackError: MLflow does not answer.
    """
    from mlflow.entities import AssessmentSource, AssessmentSourceType, Feedback
    from mlflow.exceptions import MlflowException
    from mlflow.tracing.client import TracingClient

    missing = []
    with connect() as client:
        tracing = TracingClient(client.tracking_uri)
        for vote in votes:
            trace = trace_id_of(served_key(vote.request))
            try:
                known = tracing.get_trace_info(trace).assessments
            except MlflowException as error:
                if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                    raise
                missing.append(vote)
                continue
            name = f"{vote.number} {vote.at.isoformat()}"
            if any((each.metadata or {}).get(_NUMBER) == name for each in known):
                continue
            source = AssessmentSource(AssessmentSourceType.HUMAN, vote.key or "user")
            told = Feedback(
                name=NAME,
                value=vote.good,
                source=source,
                trace_id=trace,
                rationale=vote.comment or None,
                metadata={_NUMBER: name},
            )
            tracing.log_assessment(trace, told)
    return missing
