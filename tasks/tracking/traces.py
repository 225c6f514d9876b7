"""Traces of evaluations and of served requests: what a person reads row by row."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tasks.results.evaluation import Evaluation
from tasks.scoring.score import Metric
from tasks.tracking.connection import connect, experiment_of
from tasks.tracking.sampling import sampled_rows
from tasks.tracking.sending import send_traces
from tasks.tracking.traced import Mark, Traced

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from tasks.serving.record import Served

TRACES = 1000
"""Rows of an evaluation that become traces; of more, a sample does."""

_JUDGED = ("quality", "honesty", "harm")
_KIND = "lifecycle.kind"


def write_traces(
    client: "MlflowClient",
    experiment_id: str,
    run_id: str,
    started_ms: int,
    evaluation: Evaluation,
    metrics: Mapping[str, Metric],
    limit: int = TRACES,
) -> str:
    """Writes the rows of an evaluation as traces of its run, and returns in words which share of them it was.

    All of a small evaluation; of a large one a stratified sample and every flagged row. Doing it again writes what is
    missing and nothing else.

    Args:
        client: of the MLflow server.
        experiment_id: the app's experiment.
        run_id: the evaluation's run.
        started_ms: when that run started, milliseconds since 1970.
        evaluation: what is written.
        metrics: every metric, by name.
        limit: traces at most, flagged rows excepted.

    Raises:
        StackError: MLflow did not keep them all.
    """
    chosen = sampled_rows(evaluation, metrics, limit)
    marks = _marks(evaluation, metrics, chosen)
    records = evaluation.rows.to_dict("records")
    rows = [
        _of_row(evaluation, {str(name): value for name, value in record.items()}, run_id, started_ms + position, marks)
        for position, record in enumerate(records)
        if record["row_id"] in chosen
    ]
    send_traces(client, experiment_id, rows, f"attributes.run_id = '{run_id}'")
    if len(rows) == len(records):
        return f"all {len(rows)} rows"
    return f"{len(rows)} of {len(records)} rows: every flagged one, and of the others a share of each slice"


def write_served_traces(app: str, served: "Sequence[Served]") -> None:
    """Writes served requests as traces of the app's experiment; one that is there is not written again.

    Args:
        app: name of the app.
        served: requests that have been looked at.

    Raises:
        StackError: MLflow does not answer, or did not keep them all.
    """
    if not served:
        return
    rows = [_of_served(each) for each in served]
    times = [row.at_ms for row in rows]
    where = (
        f"metadata.`{_KIND}` = 'served' AND attributes.timestamp_ms >= {min(times)} "
        f"AND attributes.timestamp_ms <= {max(times)}"
    )
    with connect() as client:
        send_traces(client, experiment_of(client, app), rows, where)


def _of_row(
    evaluation: Evaluation, row: Mapping[str, Any], run_id: str, at_ms: int, marks: Mapping[str, list[Mark]]
) -> Traced:
    candidate = evaluation.candidate
    references = [Mark("expected_response", row["reference"], reference=True)] if row["reference"] else []
    return Traced(
        key=f"{run_id} {row['row_id']}",
        name=row["row_id"],
        at_ms=at_ms,
        request={"question": row["question"], "context": [dict(passage) for passage in row["context"]]},
        sent=[dict(message) for message in row["messages"]],
        answer=row["answer"],
        outcome=row["outcome"],
        cause=row["cause"],
        model=candidate.model or candidate.target.kind,
        tokens=(int(row["input_tokens"]), int(row["output_tokens"])),
        seconds=_number(row["latency_total"]) or 0.0,
        price=_number(row["price"]),
        marks=(*references, *marks.get(row["row_id"], ())),
        metadata={
            _KIND: "evaluation",
            "mlflow.sourceRun": run_id,
            "lifecycle.candidate": candidate.digest,
            "lifecycle.row": row["row_id"],
        },
        client_request_id=row["row_id"],
    )


def _marks(evaluation: Evaluation, metrics: Mapping[str, Metric], chosen: frozenset[str]) -> dict[str, list[Mark]]:
    """Judgements by row; a metric that does not apply to a row is none. Cost and latency are in the trace itself."""
    judged = [name for name, metric in metrics.items() if metric.dimension in _JUDGED]
    scores = evaluation.scores
    found: dict[str, list[Mark]] = {}
    for score in scores[scores["metric"].isin(judged) & scores["row_id"].isin(chosen)].to_dict("records"):
        value, failed = _number(score["value"]), score["outcome"] == "scorer_error"
        why = str(score["why"])
        if failed:
            mark = Mark(score["metric"], None, error=why or "the scorer failed")
        elif value is not None:
            mark = Mark(score["metric"], value, rationale=why)
        else:
            continue
        found.setdefault(score["row_id"], []).append(mark)
    return found


def _of_served(served: "Served") -> Traced:
    answer = served.answer
    metadata = {_KIND: "served", "lifecycle.candidate": served.candidate, "lifecycle.version": str(served.version)}
    if served.row_id:
        metadata["lifecycle.row"] = served.row_id
    return Traced(
        key=f"served {served.id}",
        name="served",
        at_ms=round(served.at.timestamp() * 1000),
        request={
            "question": served.messages[-1].content,
            "context": [passage._asdict() for passage in answer.context],
        },
        sent=[message._asdict() for message in answer.messages],
        answer=answer.text,
        outcome=answer.outcome.value,
        cause=answer.cause,
        model=served.candidate,
        tokens=(answer.usage.input, answer.usage.output),
        seconds=answer.latency.total,
        price=answer.price,
        marks=tuple(Mark(name, True, "flagged when it was looked at") for name in dict.fromkeys(served.flags or ())),
        metadata=metadata,
        client_request_id=served.id,
    )


def _number(value: Any) -> float | None:
    """Returns a cell of a table as a number, None for NaN."""
    return None if value is None or value != value else float(value)  # noqa: PLR0124 NaN alone differs from itself
