"""Requests that wait for a person, in MLflow: the tag that finds them, and what people say of them there."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from tasks.tracking.connection import connect, experiment_of
from tasks.tracking.sending import found_trace, found_traces
from tasks.tracking.traced import trace_id_of
from tasks.tracking.traces import redacted_key, served_key

if TYPE_CHECKING:
    from mlflow.entities import Assessment, TraceInfo

TAG = "review"
"""Tag of a trace: `pending`, or what became of it. MLflow's UI finds those that wait by `tags.review = 'pending'`."""
FEEDBACK, EXPECTATION = "review", "expected_response"
"""Names of what a person gives to a trace: feedback `accept`, `unanswerable` or `reject`, or the right answer as an
expectation."""

_PENDING = f"tags.`{TAG}` = 'pending'"
_WORDS = {"accept": "accepted", "unanswerable": "unanswerable", "reject": "rejected", "true": "accepted"}


class Said(NamedTuple):
    """What a person said of a request in MLflow.

    Attributes:
        request: its id.
        state: `accepted`, `corrected`, `unanswerable` or `rejected`; "" where it is none of the words that there are.
        reference: the right answer, where the person wrote it.
        who: the person, as MLflow knows it.
        at: when, as ISO 8601 writes it.
        where: the trace, for messages.
    """

    request: str
    state: str
    reference: str
    who: str
    at: str
    where: str


def show_states(states: Mapping[str, str]) -> tuple[str, ...]:
    """Has the traces of requests show their states, and returns the requests that have no trace.

    Of a request that has a redacted copy the copy shows it, and its own trace does not.

    Args:
        states: by request.

    Raises:
        StackError: MLflow does not answer or refuses it.
    """
    missing = []
    with connect() as client:
        for request, state in states.items():
            own, copy = (found_trace(client, trace_id_of(key(request))) for key in (served_key, redacted_key))
            shown = copy or own
            if shown is None:
                missing.append(request)
                continue
            client.set_trace_tag(shown.trace_id, TAG, state)
            if copy and own and TAG in own.tags:
                client.delete_trace_tag(own.trace_id, TAG)
    return tuple(missing)


def said_of(app: str) -> tuple[Said, ...]:
    """Returns what people have said of the requests of an app that wait, the oldest first.

    Of one request what was said last counts. Votes of users, scores and what code wrote are none of it.

    Raises:
        StackError: MLflow does not answer.
    """
    with connect() as client:
        found = [
            said
            for info in found_traces(client, experiment_of(client, app), _PENDING)
            if (said := max(_said(info), key=lambda each: each.at, default=None)) is not None
        ]
    return tuple(sorted(found, key=lambda each: (each.at, each.request)))


def _said(info: "TraceInfo") -> "Iterator[Said]":
    for each in info.assessments:
        if each.source.source_type != "HUMAN" or getattr(each, "valid", None) is False:
            continue
        state, reference = _meant(each)
        if each.name == FEEDBACK or state == "corrected":
            at = datetime.fromtimestamp((each.last_update_time_ms or each.create_time_ms or 0) / 1000, UTC)
            yield Said(
                request=info.client_request_id or "",
                state=state,
                reference=reference,
                who=each.source.source_id or "",
                at=at.isoformat(),
                where=f"MLflow trace {info.trace_id}",
            )


def _meant(assessment: "Assessment") -> tuple[str, str]:
    expectation, feedback = assessment.expectation, assessment.feedback
    if assessment.name == EXPECTATION and expectation is not None and str(expectation.value or "").strip():
        return "corrected", str(expectation.value).strip()
    if assessment.name == FEEDBACK and feedback is not None:
        return _WORDS.get(str(feedback.value).strip().lower(), ""), ""
    return "", ""
