"""Traces of evaluations and of served requests: what a person reads row by row."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tasks.calling.answer import Outcome
from tasks.candidate import Candidate
from tasks.judging.labels import answer_digest
from tasks.results.evaluation import Evaluation
from tasks.results.frames import scores_of
from tasks.scoring.score import Metric
from tasks.tracking.connection import connect, experiment_of
from tasks.tracking.sampling import sampled_rows
from tasks.tracking.sending import of_run, send_traces
from tasks.tracking.traced import Mark, Traced

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from tasks.serving.served import Served

TRACES = 1000
"""Rows of an evaluation that become traces; of more, a sample does."""

_JUDGED = ("quality", "honesty", "harm")
_KIND = "lifecycle.kind"
_SERVED, _REDACTED = "served", "redacted"
ROW, ANSWER = "lifecycle.row", "lifecycle.answer"
"""Metadata of a trace: the row's id, and the digest of the answer, by which people's labels find it again."""


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
    position = dict(zip(evaluation.rows["row_id"], range(len(evaluation.rows)), strict=True))
    rows = [
        row_trace(record, evaluation.candidate, run_id, started_ms + position[record["row_id"]], metrics)
        for record in evaluation.whole_rows(chosen)
    ]
    send_traces(client, experiment_id, rows, of_run(run_id))
    if len(rows) == len(position):
        return f"all {len(rows)} rows"
    return f"{len(rows)} of {len(position)} rows: a share of each slice, and every flagged one"


def write_served_traces(app: str, served: "Sequence[Served]") -> None:
    """Writes served requests as traces of the app's experiment; one that is there is not written again.

    Args:
        app: name of the app.
        served: requests that have been looked at.

    Raises:
        StackError: MLflow does not answer, or did not keep them all.
    """
    _write_served(app, served, _SERVED)


def write_redacted_traces(app: str, copies: "Sequence[Served]") -> None:
    """Writes copies of served requests as traces beside their own; one that is there is not written again.

    Args:
        app: name of the app.
        copies: the requests without personal data.

    Raises:
        StackError: MLflow does not answer, or did not keep them all.
    """
    _write_served(app, copies, _REDACTED)


def _write_served(app: str, served: "Sequence[Served]", kind: str) -> None:
    if not served:
        return
    rows = [_of_served(each, kind) for each in served]
    times = [row.at_ms for row in rows]
    where = (
        f"metadata.`{_KIND}` = '{kind}' AND attributes.timestamp_ms >= {min(times)} "
        f"AND attributes.timestamp_ms <= {max(times)}"
    )
    with connect() as client:
        send_traces(client, experiment_of(client, app), rows, where)


def row_trace(
    row: Mapping[str, Any], candidate: Candidate, run_id: str, at_ms: int, metrics: Mapping[str, Metric]
) -> Traced:
    """Returns the trace of one whole row.

    Args:
        row: as `Evaluation.whole_rows` yields it.
        candidate: what was asked.
        run_id: the evaluation's run.
        at_ms: when the row counts as asked, milliseconds since 1970; rows are listed in this order.
        metrics: every metric, by name.
    """
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
        seconds=row["latency_total"] or 0.0,
        price=row["price"],
        marks=(*references, *_marks(row, metrics)),
        metadata={
            _KIND: "evaluation",
            "mlflow.sourceRun": run_id,
            "lifecycle.candidate": candidate.digest,
            ROW: row["row_id"],
            ANSWER: answer_digest(row["answer"]),
        },
        client_request_id=row["row_id"],
    )


def _marks(row: Mapping[str, Any], metrics: Mapping[str, Metric]) -> list[Mark]:
    """Judgements of a row; a metric that does not apply to it is none. Cost and latency are in the trace itself."""
    return [
        Mark(name, None, error=score.why or "the scorer failed")
        if score.outcome is Outcome.SCORER_ERROR
        else Mark(name, score.value, rationale=score.why)
        for name, score in scores_of(dict(row)).items()
        if name in metrics and metrics[name].dimension in _JUDGED
    ]


def served_key(request: str) -> str:
    """Returns the key of a served request's trace."""
    return _key(_SERVED, request)


def redacted_key(request: str) -> str:
    """Returns the key of the trace of a served request's redacted copy."""
    return _key(_REDACTED, request)


def _key(kind: str, request: str) -> str:
    return f"{kind} {request}"


def _of_served(served: "Served", kind: str) -> Traced:
    answer = served.answer
    metadata = {_KIND: kind, "lifecycle.candidate": served.candidate, "lifecycle.version": str(served.version)}
    if served.row_id:
        metadata[ROW] = served.row_id
    if served.fallback:
        metadata["lifecycle.fallback"] = served.fallback
    calls = [call._asdict() for call in answer.tool_calls]
    return Traced(
        key=_key(kind, served.id),
        name=kind,
        at_ms=round(served.at.timestamp() * 1000),
        request={
            "question": served.messages[-1].content,
            "context": [passage._asdict() for passage in answer.context],
        },
        sent=[message._asdict() for message in answer.messages],
        answer=answer.text or (json.dumps(calls, ensure_ascii=False) if calls else ""),
        outcome=answer.outcome.value,
        cause=answer.cause,
        model=served.fallback or served.candidate,
        tokens=(answer.usage.input, answer.usage.output),
        seconds=answer.latency.total,
        price=answer.price,
        marks=tuple(Mark(name, True, "flagged when it was looked at") for name in dict.fromkeys(served.flags or ())),
        metadata=metadata,
        client_request_id=served.id,
    )
