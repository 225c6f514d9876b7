"""A row and its answer as a trace of MLflow's, in memory: where its scorers look for what was retrieved."""

import json
from typing import TYPE_CHECKING, Any

from tasks.calling.answer import Answer
from tasks.data.row import Row

if TYPE_CHECKING:
    from mlflow.entities import Span, Trace

_TRACE_ID = "tr-00000000000000000000000000000001"


def trace_of(row: Row, answer: Answer) -> "Trace":
    """Returns a trace of two spans: the question with its answer, and in it the retrieval of the answer's context."""
    from mlflow.entities import Trace, TraceData, TraceInfo, TraceLocation, TraceState

    documents = [{"page_content": each.text, "metadata": {"doc_uri": each.id}} for each in answer.context]
    spans = [_span("answer", 1, "CHAIN", {"question": row.question}, answer.text)]
    if documents:
        spans.append(_span("retrieve", 2, "RETRIEVER", row.question, documents, parent=1))
    info = TraceInfo(
        trace_id=_TRACE_ID,
        trace_location=TraceLocation.from_experiment_id("0"),
        request_time=0,
        execution_duration=0,
        state=TraceState.OK,
        request_preview=row.question,
        response_preview=answer.text,
    )
    return Trace(info, TraceData(spans))


def _span(name: str, number: int, kind: str, inputs: Any, outputs: Any, parent: int | None = None) -> "Span":
    from mlflow.entities import Span
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace import SpanContext, Status, StatusCode, TraceFlags

    def context(span: int) -> SpanContext:
        return SpanContext(trace_id=1, span_id=span, is_remote=False, trace_flags=TraceFlags(1))

    said = {"mlflow.spanType": kind, "mlflow.spanInputs": inputs, "mlflow.spanOutputs": outputs}
    return Span(
        ReadableSpan(
            name,
            context=context(number),
            parent=None if parent is None else context(parent),
            attributes={
                "mlflow.traceRequestId": json.dumps(_TRACE_ID),
                **{key: json.dumps(value, ensure_ascii=False) for key, value in said.items()},
            },
            status=Status(StatusCode.OK),
            start_time=number,
            end_time=number + 1,
        )
    )
