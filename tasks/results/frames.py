"""Rows, answers and scores as one table: a line a row, all of it; and what of it estimates are made of."""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from tasks.calling.answer import Answer, Outcome
from tasks.data.row import Row
from tasks.scoring.score import Score

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_TEXTS = ("question", "reference", "documents", "answer", "messages", "context")
_SCORE, _APPLIES, _FAILED, _WHY = "score.", "applies.", "failed.", "why."


class Frames(NamedTuple):
    """What estimates are made of; both have one line a row, in the dataset's order.

    `rows` has the columns `row_id, cluster, repeat, answerable, slice.<column>…, outcome, cause, input_tokens,
    output_tokens, cached_tokens, price, latency_total, latency_first_token, latency_per_token, attempts,
    scorer_failed`. `scores` has two columns a metric: its name, with NaN where there is no score, and `<name>.applies`.
    """

    rows: "pd.DataFrame"
    scores: "pd.DataFrame"


def to_frames(rows: Sequence[Row], answers: Sequence[Answer], scores: Sequence[Score]) -> Frames:
    """Returns the frames of rows; the answers stand in the rows' order."""
    metrics = list(dict.fromkeys(score.metric for score in scores))
    table = to_table(rows, answers, scores, _slices(rows), metrics)
    return frames_of(table.column_names, table.column)


def to_table(
    rows: Sequence[Row],
    answers: Sequence[Answer],
    scores: Iterable[Score],
    slices: Sequence[str],
    metrics: Sequence[str],
) -> "pa.Table":
    """Returns the whole table of rows: questions, answers, what was sent, what it used, and each score with its reason.

    Args:
        rows: in the dataset's order.
        answers: in the same order.
        scores: in any order; a row without a score of a metric counts as not scored.
        slices: names of the slice columns.
        metrics: names of the scored metrics.
    """
    import pyarrow as pa

    found = {(score.metric, score.row_id): score for score in scores}
    columns: dict[str, list[Any]] = {
        "row_id": [row.id for row in rows],
        "cluster": [row.cluster or row.id for row in rows],
        "repeat": [row.repeat for row in rows],
        "answerable": [row.answerable for row in rows],
        **{f"slice.{name}": [row.slices.get(name, "") for row in rows] for name in slices},
        "question": [row.question for row in rows],
        "reference": [row.reference for row in rows],
        "documents": [list(row.documents) for row in rows],
        "outcome": [answer.outcome.value for answer in answers],
        "cause": [answer.cause for answer in answers],
        "answer": [answer.text for answer in answers],
        "messages": [[message._asdict() for message in answer.messages] for answer in answers],
        "context": [[passage._asdict() for passage in answer.context] for answer in answers],
        "input_tokens": [answer.usage.input for answer in answers],
        "output_tokens": [answer.usage.output for answer in answers],
        "cached_tokens": [answer.usage.cached for answer in answers],
        "price": [answer.price for answer in answers],
        "latency_total": [answer.latency.total for answer in answers],
        "latency_first_token": [answer.latency.first_token for answer in answers],
        "latency_per_token": [answer.latency.per_output_token for answer in answers],
        "attempts": [answer.attempts for answer in answers],
    }
    for metric in metrics:
        of_metric = [found.get((metric, row.id)) for row in rows]
        columns[_SCORE + metric] = [score.value if score else None for score in of_metric]
        columns[_APPLIES + metric] = [_applies(score) for score in of_metric]
        columns[_FAILED + metric] = [bool(score and score.outcome is Outcome.SCORER_ERROR) for score in of_metric]
        columns[_WHY + metric] = [score.why if score else "" for score in of_metric]
    return pa.table(columns, schema=schema(slices, metrics))


def schema(slices: Sequence[str], metrics: Sequence[str]) -> "pa.Schema":
    """Returns the types of the whole table's columns."""
    import pyarrow as pa

    text, number, whole = pa.string(), pa.float64(), pa.int64()
    message = pa.struct([("role", text), ("content", text)])
    passage = pa.struct([("id", text), ("text", text), ("score", number)])
    fields = [
        *(("row_id", text), ("cluster", text), ("repeat", whole), ("answerable", pa.bool_())),
        *((f"slice.{name}", text) for name in slices),
        *(("question", text), ("reference", text), ("documents", pa.list_(text))),
        *(("outcome", text), ("cause", text), ("answer", text)),
        *(("messages", pa.list_(message)), ("context", pa.list_(passage))),
        *((name, whole) for name in ("input_tokens", "output_tokens", "cached_tokens")),
        *((name, number) for name in ("price", "latency_total", "latency_first_token", "latency_per_token")),
        ("attempts", whole),
    ]
    for metric in metrics:
        fields += [(_SCORE + metric, number), (_APPLIES + metric, pa.bool_())]
        fields += [(_FAILED + metric, pa.bool_()), (_WHY + metric, text)]
    return pa.schema(fields)


def is_fact(column: str) -> bool:
    """Returns whether a column of the whole table belongs to the frames: all but the texts."""
    return column not in _TEXTS and not column.startswith(_WHY)


def facts_of(table: "pa.Table") -> "pa.Table":
    """Returns the columns of a whole table that belong to the frames."""
    return table.select([name for name in table.column_names if is_fact(name)])


def metrics_in(columns: Iterable[str]) -> list[str]:
    """Returns the names of the scored metrics that a table has."""
    return [name.removeprefix(_SCORE) for name in columns if name.startswith(_SCORE)]


def frames_of(names: Sequence[str], column: "Callable[[str], pa.ChunkedArray]") -> Frames:
    """Returns the frames of a whole table.

    Args:
        names: its columns.
        column: returns one of them; asked for one after the other, so that they need not all be in memory.
    """
    import numpy as np
    import pandas as pd

    facts = {name: column(name).to_pandas() for name in names if is_fact(name) and not _of_metric(name)}
    rows = pd.DataFrame(facts, copy=False)
    rows["answerable"] = rows["answerable"].astype("object")
    if "repeat" not in rows.columns:
        rows["repeat"] = 0  # written before rows could be asked several times
    failed = np.zeros(len(rows), dtype=bool)
    scores: dict[str, Any] = {}
    for metric in metrics_in(names):
        scores[metric] = column(_SCORE + metric).to_pandas().astype("float64")
        scores[f"{metric}.applies"] = column(_APPLIES + metric).to_pandas().astype("bool")
        failed |= column(_FAILED + metric).to_pandas().to_numpy(bool)
    rows["scorer_failed"] = failed
    return Frames(rows, pd.DataFrame(scores, index=rows.index, copy=False))


def scores_of(record: dict[str, Any]) -> dict[str, Score]:
    """Returns the scores in one line of a whole table by metric, those left out that say nothing of the row."""
    found = {}
    for metric in metrics_in(record):
        failed, value = record[_FAILED + metric], record[_SCORE + metric]
        if failed or value is not None:
            outcome = Outcome.SCORER_ERROR if failed else Outcome.OK
            found[metric] = Score(record["row_id"], metric, value, record[_WHY + metric], outcome)
    return found


def _applies(score: Score | None) -> bool:
    return score is None or score.value is not None or score.outcome is not Outcome.OK


def _of_metric(column: str) -> bool:
    return column.startswith((_SCORE, _APPLIES, _FAILED, _WHY))


def _slices(rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row.slices))
