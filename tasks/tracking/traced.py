"""A row as MLflow's trace: what was asked, what was sent, what came back, what it cost, and what it scored."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from mlflow.entities import Assessment, TraceInfo
    from opentelemetry.proto.trace.v1.trace_pb2 import Span

_PREVIEW = 1000


class Mark(NamedTuple):
    """One judgement of a row: a score with its reason, a reference, or what kept the scorer from scoring."""

    name: str
    value: float | str | bool | None
    rationale: str = ""
    error: str = ""
    reference: bool = False


@dataclass(frozen=True, slots=True)
class Traced:
    """One row.

    Attributes:
        key: names the trace: the same key is the same trace, however often it is sent.
        name: of the trace, as people read it.
        at_ms: when it was asked, milliseconds since 1970.
        request: what the application was asked.
        sent: what the model was sent, `{role, content}` each; empty for targets of the user's.
        answer: what came back.
        outcome: `ok`, `app_error` or `skipped`.
        cause: why it is not `ok`.
        model: name of the model or the kind of target.
        tokens: of input and of output.
        seconds: until the whole answer.
        price: US dollars, None where unknown.
        marks: judgements.
        metadata: texts to find it by.
        client_request_id: the row's or the request's own id.
    """

    key: str
    name: str
    at_ms: int
    request: Mapping[str, Any]
    sent: Sequence[Mapping[str, str]]
    answer: str
    outcome: str
    cause: str
    model: str
    tokens: tuple[int, int]
    seconds: float
    price: float | None
    marks: tuple[Mark, ...]
    metadata: Mapping[str, str] = field(default_factory=dict)
    client_request_id: str = ""

    @property
    def trace_id(self) -> str:
        """Id of the trace, made of its key."""
        return trace_id_of(self.key)

    @property
    def _usage(self) -> str:
        read, written = self.tokens
        return json.dumps({"input_tokens": read, "output_tokens": written, "total_tokens": read + written})

    def info(self, experiment_id: str) -> "TraceInfo":
        """Returns the trace without its spans, judgements included."""
        from mlflow.entities import TraceInfo, TraceLocation, TraceState

        states = {"ok": TraceState.OK, "app_error": TraceState.ERROR}
        metadata = {**self.metadata, "mlflow.trace_schema.version": "3", "lifecycle.outcome": self.outcome}
        if any(self.tokens):
            metadata["mlflow.trace.tokenUsage"] = self._usage
        if self.price is not None:
            metadata["mlflow.trace.cost"] = json.dumps({"total_cost": self.price})
        return TraceInfo(
            trace_id=self.trace_id,
            trace_location=TraceLocation.from_experiment_id(experiment_id),
            request_time=self.at_ms,
            execution_duration=round(self.seconds * 1000),
            state=states.get(self.outcome, TraceState.STATE_UNSPECIFIED),
            request_preview=str(self.request.get("question", ""))[:_PREVIEW],
            response_preview=(self.answer or self.cause)[:_PREVIEW],
            client_request_id=self.client_request_id,
            tags={"mlflow.traceName": self.name},
            trace_metadata=metadata,
            assessments=[self._assessment(mark) for mark in self.marks],
        )

    def spans(self) -> "list[Span]":
        """Returns the row's span and, in it, the call's, in OpenTelemetry's form."""
        from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

        start = self.at_ms * 1_000_000
        row_id, call_id = (bytes.fromhex(_hex(f"{self.key} {part}", 16)) for part in ("row", "call"))
        code = Status.STATUS_CODE_ERROR if self.outcome == "app_error" else Status.STATUS_CODE_OK
        row = {
            "mlflow.spanType": "CHAIN",
            "mlflow.spanInputs": _json(self.request),
            "mlflow.spanOutputs": _json(self.answer),
        }
        call = {
            "mlflow.spanType": "LLM" if self.sent else "TOOL",
            "mlflow.spanInputs": _json({"messages": list(self.sent)} if self.sent else self.request),
            "mlflow.spanOutputs": _json(self.answer),
            "mlflow.llm.model": _json(self.model),
            **({"mlflow.chat.tokenUsage": self._usage} if any(self.tokens) else {}),
        }
        about: dict[str, Any] = {
            "trace_id": bytes.fromhex(_hex(self.key, 32)),
            "start_time_unix_nano": start,
            "end_time_unix_nano": start + round(self.seconds * 1e9),
            "status": Status(code=code, message=self.cause),
        }
        name = "model call" if self.sent else "target call"
        return [
            Span(span_id=row_id, name="row", attributes=_values(row), **about),
            Span(span_id=call_id, parent_span_id=row_id, name=name, attributes=_values(call), **about),
        ]

    def _assessment(self, mark: Mark) -> "Assessment":
        from mlflow.entities import AssessmentError, AssessmentSource, AssessmentSourceType, Expectation, Feedback

        source = AssessmentSource(AssessmentSourceType.CODE, "lifecycle")
        about: dict[str, Any] = {"name": mark.name, "source": source, "trace_id": self.trace_id}
        if run_id := self.metadata.get("mlflow.sourceRun"):
            about["metadata"] = {"mlflow.assessment.sourceRunId": run_id}
        made: Assessment
        if mark.reference:
            made = Expectation(value=mark.value, **about)
        else:
            error = AssessmentError(error_code="SCORER_ERROR", error_message=mark.error) if mark.error else None
            made = Feedback(value=mark.value, error=error, rationale=mark.rationale or None, **about)
        # A fixed id: a trace that is sent twice would else have each of its scores twice.
        made.assessment_id = f"a-{_hex(f'{self.key} {mark.name} {mark.reference}', 32)}"
        return made


def trace_id_of(key: str) -> str:
    """Returns the id of the trace that a key names."""
    return f"tr-{_hex(key, 32)}"


def _hex(text: str, digits: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:digits]


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _values(attributes: Mapping[str, str]) -> list[Any]:
    from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

    return [KeyValue(key=name, value=AnyValue(string_value=text)) for name, text in attributes.items()]
