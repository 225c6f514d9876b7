"""Estimates of an evaluation's metrics, over all rows and by slice, and of paired differences between two."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tasks.results.evaluation import Evaluation
from tasks.scoring.score import Metric
from tasks.scoring.usage import USAGE_METRICS, usage_values
from tasks.statistics.estimate import Estimate
from tasks.statistics.intervals import difference_interval, mean_interval

if TYPE_CHECKING:
    import pandas as pd


def estimate_all(
    rows: "pd.DataFrame",
    scores: "pd.DataFrame",
    metrics: Mapping[str, Metric],
    confidence: float,
    slices: Sequence[str] = (),
) -> tuple[Estimate, ...]:
    """Estimates every metric over all rows, then over the rows of each value of each slice column.

    Args:
        rows: as `Evaluation.rows`.
        scores: as `Evaluation.scores`.
        metrics: metrics by name.
        confidence: level of the intervals, such as 0.95.
        slices: slice columns; rows where one is empty belong to no slice of it.
    """
    parts: list[str | None] = [None]
    for column in slices:
        parts += [f"{column}={value}" for value in sorted(rows[f"slice.{column}"].unique()) if value]
    measured = {name: _measured(rows, scores, metric) for name, metric in metrics.items()}
    return tuple(
        _estimate(measured[name], metric, confidence, part) for part in parts for name, metric in metrics.items()
    )


def estimate_metric(
    rows: "pd.DataFrame",
    scores: "pd.DataFrame",
    metric: Metric,
    confidence: float,
    slice: str | None = None,  # noqa: A002 the word for it
) -> Estimate:
    """Estimates one metric over all rows, or over those of one slice (`column=value`)."""
    return _estimate(_measured(rows, scores, metric), metric, confidence, slice)


def paired_difference(
    candidate: Evaluation,
    champion: Evaluation,
    metric: Metric,
    confidence: float,
    slice: str | None = None,  # noqa: A002
) -> Estimate:
    """Estimates the mean of candidate − champion, in the metric's own unit, over the rows that both have scored.

    Rows are paired by their id. Pairing removes what makes a row hard for both, so that the interval is narrower than
    that of two means (Miller 2024, arXiv:2411.00640, section 4.2). `n` counts pairs; `coverage` is their share of the
    rows to which the metric applies on either side. The same candidate, asked in the same epoch on the same data,
    differs by exactly 0.
    """
    left = _where(_measured(candidate.rows, candidate.scores, metric), slice)
    right = _where(_measured(champion.rows, champion.scores, metric), slice)
    pairs = left.join(right.add_suffix("_champion"), how="outer")
    applies = pairs["applies"].eq(True) | pairs["applies_champion"].eq(True)
    both = pairs[pairs["value"].notna() & pairs["value_champion"].notna()]
    n, coverage = len(both), _share(len(both), int(applies.sum()))
    if n == 0:
        return _nothing(metric, coverage, confidence, slice)
    differences = (both["value"] - both["value_champion"]).to_numpy(np.float64)
    if _identity(candidate) == _identity(champion):
        value = low = high = 0.0
        method = "identical"
    else:
        reach = None if metric.high is None else metric.high - metric.low
        value, low, high, method = difference_interval(differences, _clusters(both), confidence, reach)
    return Estimate(
        metric=metric.name,
        value=value,
        low=low,
        high=high,
        n=n,
        coverage=coverage,
        confidence=confidence,
        method=method,
        slice=slice,
    )


def _measured(rows: "pd.DataFrame", scores: "pd.DataFrame", metric: Metric) -> "pd.DataFrame":
    """Returns one line a row, by its id: `value` (NaN where there is none), `applies`, `cluster` and the slices."""
    table = rows[["row_id", "cluster", *(name for name in rows.columns if name.startswith("slice."))]]
    if metric.name in USAGE_METRICS:
        table = table.assign(value=usage_values(rows, metric.name).to_numpy(), applies=True)
    elif metric.name in scores.columns:
        applies = scores[f"{metric.name}.applies"].to_numpy()
        table = table.assign(value=scores[metric.name].to_numpy(), applies=applies)
    else:
        table = table.assign(value=np.nan, applies=True)
    return table.set_index("row_id")


def _estimate(measured: "pd.DataFrame", metric: Metric, confidence: float, part: str | None) -> Estimate:
    table = _where(measured, part)
    scored = table[table["value"].notna()]
    coverage = _share(len(scored), int(table["applies"].sum()))
    if scored.empty:
        return _nothing(metric, coverage, confidence, part)
    value, low, high, method = mean_interval(
        scored["value"].to_numpy(np.float64), _clusters(scored), confidence, metric.low, metric.high
    )
    return Estimate(
        metric=metric.name,
        value=value,
        low=low,
        high=high,
        n=len(scored),
        coverage=coverage,
        confidence=confidence,
        method=method,
        slice=part,
    )


def _where(table: "pd.DataFrame", part: str | None) -> "pd.DataFrame":
    if part is None:
        return table
    column, _, value = part.partition("=")
    name = f"slice.{column}"
    return table[table[name] == value] if name in table.columns else table.iloc[:0]


def _clusters(table: "pd.DataFrame") -> NDArray[np.generic]:
    return table["cluster"].to_numpy(str)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _nothing(metric: Metric, coverage: float, confidence: float, part: str | None) -> Estimate:
    return Estimate(
        metric=metric.name,
        value=None,
        low=None,
        high=None,
        n=0,
        coverage=coverage,
        confidence=confidence,
        method="none",
        slice=part,
    )


def _identity(evaluation: Evaluation) -> tuple[str, str, str]:
    return evaluation.candidate.digest, evaluation.dataset, evaluation.epoch
