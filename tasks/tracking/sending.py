"""Sends traces in bulk, counts what has arrived, and sends again what has not.

MLflow 3.17 takes a trace with its assessments in one call and the spans of many traces in another. The trace must come
first: spans without one make one, and the two are then merged, slowly. Under load it answers 200 and loses traces, so
only counting tells what is there.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from configs.errors import StackError
from tasks.tracking.traced import Traced

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import TraceInfo

_AT_ONCE = 100
_ATTEMPTS = 3
_HAS_SPANS = "mlflow.trace.spansLocation"


def send_traces(client: "MlflowClient", experiment_id: str, rows: Sequence[Traced], where: str) -> None:
    """Makes sure that every row has its whole trace; one that is there is not sent again.

    Args:
        client: of the MLflow server.
        experiment_id: where the traces belong.
        rows: one a trace.
        where: filter that finds these traces, in MLflow's search syntax.

    Raises:
        StackError: some are still missing after three attempts.
    """
    missing = _missing(client, experiment_id, rows, where)
    for _ in range(_ATTEMPTS):
        if not missing:
            return
        send(client, experiment_id, missing)
        missing = _missing(client, experiment_id, rows, where)
    if missing:
        raise StackError(
            f"MLflow kept {len(rows) - len(missing)} of {len(rows)} traces; the first that is missing is "
            f"{missing[0].name}; run again to write the others"
        )


def send(client: "MlflowClient", experiment_id: str, rows: Sequence[Traced]) -> None:
    """Sends traces, and does not count what has arrived."""
    for batch in _batches(rows):
        _send(client, experiment_id, batch)


def of_run(run_id: str) -> str:
    """Returns the filter that finds the traces of a run, in MLflow's search syntax."""
    return f"attributes.run_id = '{run_id}'"


def whole_traces(client: "MlflowClient", experiment_id: str, where: str) -> dict[str, int]:
    """Returns the ids of the traces that are there with their spans, and how many judgements each has."""
    return {
        info.trace_id: len(info.assessments)
        for info in found_traces(client, experiment_id, where)
        if _HAS_SPANS in info.tags
    }


def delete_traces(client: "MlflowClient", experiment_id: str, where: str) -> None:
    """Deletes traces, whole or not."""
    ids = [info.trace_id for info in found_traces(client, experiment_id, where)]
    for start in range(0, len(ids), _AT_ONCE):
        client.delete_traces(experiment_id, trace_ids=ids[start : start + _AT_ONCE])


def _missing(client: "MlflowClient", experiment_id: str, rows: Sequence[Traced], where: str) -> list[Traced]:
    whole = whole_traces(client, experiment_id, where)
    return [row for row in rows if whole.get(row.trace_id, -1) < len(row.marks)]


def found_traces(client: "MlflowClient", experiment_id: str, where: str) -> "Iterable[TraceInfo]":
    """Yields the traces that a filter finds, without their spans."""
    token: str | None = None
    while True:
        page = client.search_traces(
            locations=[experiment_id], filter_string=where, max_results=500, page_token=token, include_spans=False
        )
        yield from (trace.info for trace in page)
        token = page.token
        if not token:
            return


def found_trace(client: "MlflowClient", trace_id: str) -> "TraceInfo | None":
    """Returns a trace without its spans; None where there is none."""
    from mlflow.exceptions import MlflowException
    from mlflow.tracing.client import TracingClient

    try:
        found: TraceInfo = TracingClient(client.tracking_uri).get_trace_info(trace_id)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return None
    return found


def _batches(rows: Sequence[Traced]) -> Iterable[Sequence[Traced]]:
    return (rows[start : start + _AT_ONCE] for start in range(0, len(rows), _AT_ONCE))


def _send(client: "MlflowClient", experiment_id: str, rows: Sequence[Traced]) -> None:
    from mlflow.tracing.client import TracingClient
    from mlflow.utils.credentials import get_default_host_creds
    from mlflow.utils.rest_utils import http_request_safe
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
    from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans

    starting = TracingClient(client.tracking_uri)
    for row in rows:
        starting.start_trace(row.info(experiment_id))
    spans = ScopeSpans(spans=[span for row in rows for span in row.spans()])
    request = ExportTraceServiceRequest(resource_spans=[ResourceSpans(scope_spans=[spans])])
    http_request_safe(
        get_default_host_creds(client.tracking_uri),
        "/v1/traces",
        "POST",
        data=request.SerializeToString(),
        extra_headers={"Content-Type": "application/x-protobuf", "x-mlflow-experiment-id": experiment_id},
    )
