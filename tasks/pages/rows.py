"""The rows that changed most: chosen by numbers, and only then read with their texts."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.pages.page import Answered, RowShown, Scored
from tasks.results.evaluation import Evaluation
from tasks.results.frames import scores_of
from tasks.scoring.score import Metric
from tasks.statistics.measured import Measured, difference, measured

Floats = NDArray[np.float64]

MOST = 5
"""Rows shown at either end."""


def rows_shown(
    one: Evaluation, other: Evaluation | None, by: Sequence[Metric]
) -> tuple[tuple[RowShown, ...], tuple[RowShown, ...]]:
    """Returns the rows on which the first side lost most, and those on which it won most, the largest change first.

    With one side alone they are the rows that scored lowest, and none.

    Args:
        one: the evaluation.
        other: what it is compared with, on the same data; None where there is nothing.
        by: metrics whose changes count, all alike.
    """
    gained = gains(one, other, by) if other else scores(one, by)
    lost = _first(gained, gained < (0 if other else 1))
    won = _first(-gained, gained > 0) if other else np.empty(0, np.intp)
    ids = {int(at): str(one.rows["row_id"].iloc[at]) for at in (*lost, *won)}
    mine, theirs = _records(one, ids), _records(other, ids) if other else None

    def shown(positions: NDArray[np.intp]) -> tuple[RowShown, ...]:
        found = ((ids[int(at)], float(gained[at])) for at in positions)
        return tuple(_shown(mine[name], theirs and theirs.get(name), by, gain) for name, gain in found if name in mine)

    return shown(lost), shown(won)


def gains(one: Evaluation, other: Evaluation, by: Sequence[Metric]) -> Floats:
    """Returns by row how much better the first side did: the mean over the metrics, each as a share of its range.

    From −1 to 1; NaN where no metric was scored on both sides. A metric without an upper end counts as a share of its
    largest difference.
    """

    def share(metric: Metric) -> Floats:
        found = difference(one, other, metric)
        return found.values / _span(found, found.high) * (1 if metric.direction == "higher" else -1)

    return _mean([share(metric) for metric in by], len(one.rows))


def scores(one: Evaluation, by: Sequence[Metric]) -> Floats:
    """Returns by row how well it did: the mean over the metrics, 0 to 1, which is best; NaN where not scored."""

    def share(metric: Metric) -> Floats:
        found = measured(one.rows, one.scores, metric)
        risen = (found.values - metric.low) / _span(found, found.high - found.low)
        return risen if metric.direction == "higher" else 1 - risen

    return _mean([share(metric) for metric in by], len(one.rows))


def _span(found: Measured, reach: float) -> float:
    if np.isfinite(reach):
        return reach
    known = found.scored.values
    return float(np.abs(known).max(initial=0.0)) or 1.0


def _mean(columns: list[Floats], rows: int) -> Floats:
    if not columns:
        return np.full(rows, np.nan)
    table = np.stack(columns)
    known = ~np.isnan(table)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(known, table, 0.0).sum(axis=0) / known.sum(axis=0), np.float64)


def _first(values: Floats, wanted: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Returns the positions of the lowest of the wanted values, in the rows' order where they are alike."""
    positions = np.flatnonzero(wanted)
    return positions[np.argsort(values[positions], kind="stable")][:MOST]


def _records(evaluation: Evaluation, ids: dict[int, str]) -> dict[str, dict[str, Any]]:
    wanted = set(ids.values())
    return {record["row_id"]: record for record in evaluation.whole_rows(wanted)} if wanted else {}


def _shown(record: dict[str, Any], other: dict[str, Any] | None, by: Sequence[Metric], gain: float) -> RowShown:
    slices = (value for name, value in record.items() if name.startswith("slice.") and value)
    return RowShown(
        row_id=record["row_id"],
        slices=", ".join(slices),
        question=record["question"],
        reference=record["reference"] or "",
        one=_answered(record, by),
        other=_answered(other, by) if other else None,
        gain=gain,
    )


def _answered(record: dict[str, Any], by: Sequence[Metric]) -> Answered:
    found = scores_of(record)
    scored = ((metric.name, found[metric.name]) for metric in by if metric.name in found)
    return Answered(
        answer=record["answer"] or record["cause"] or "",
        outcome=record["outcome"],
        scores=tuple(Scored(metric=name, value=score.value, why=score.why) for name, score in scored),
    )
