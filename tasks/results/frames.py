"""Rows, answers and scores as the tables of an evaluation."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tasks.calling.answer import Answer
from tasks.data.row import Row
from tasks.scoring.score import Score

if TYPE_CHECKING:
    import pandas as pd


def to_frames(
    rows: Sequence[Row], answers: Sequence[Answer], scores: Sequence[Score]
) -> "tuple[pd.DataFrame, pd.DataFrame]":
    """Returns the tables `rows` and `scores` of an `Evaluation`; the answers stand in the rows' order.

    What is unknown is None in text and truth columns, and NaN in columns of numbers.
    """
    import pandas as pd

    table = {
        "row_id": [row.id for row in rows],
        "cluster": [row.cluster or row.id for row in rows],
        "answerable": pd.Series([row.answerable for row in rows], dtype="object"),
        **{f"slice.{name}": [row.slices.get(name, "") for row in rows] for name in _slices(rows)},
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
        "price": _numbers([answer.price for answer in answers]),
        "latency_total": _numbers([answer.latency.total for answer in answers]),
        "latency_first_token": _numbers([answer.latency.first_token for answer in answers]),
        "latency_per_token": _numbers([answer.latency.per_output_token for answer in answers]),
        "attempts": [answer.attempts for answer in answers],
    }
    long = {
        "row_id": [score.row_id for score in scores],
        "metric": [score.metric for score in scores],
        "value": _numbers([score.value for score in scores]),
        "why": [score.why for score in scores],
        "outcome": [score.outcome.value for score in scores],
    }
    return pd.DataFrame(table), pd.DataFrame(long)


def _slices(rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row.slices))


def _numbers(values: Sequence[float | None]) -> "pd.Series[float]":
    import pandas as pd

    return pd.Series([float("nan") if value is None else value for value in values], dtype="float64")
