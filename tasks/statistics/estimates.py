"""Estimates of metrics over rows, all of them or those of a slice, and of the difference between two evaluations."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from tasks.results.evaluation import Evaluation
from tasks.scoring.score import Metric
from tasks.statistics.estimate import Estimate
from tasks.statistics.intervals import difference_interval, mean_interval
from tasks.statistics.measured import Measured, difference, measured, part_of

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
    masks = [part_of(rows, part) for part in parts]
    by_metric: list[list[Estimate]] = []
    for metric in metrics.values():
        # One metric at a time, as bare arrays: of very many rows, tables of all would be most of what is in memory.
        found = measured(rows, scores, metric)
        pairs = zip(parts, masks, strict=True)
        by_metric.append([_mean(found.where(mask), metric, confidence, part) for part, mask in pairs])
    return tuple(estimate for of_part in zip(*by_metric, strict=True) for estimate in of_part)


def estimate_metric(
    rows: "pd.DataFrame",
    scores: "pd.DataFrame",
    metric: Metric,
    confidence: float,
    slice: str | None = None,  # noqa: A002 the word for it
) -> Estimate:
    """Estimates one metric over all rows, or over those of one slice (`column=value`)."""
    found = measured(rows, scores, metric).where(part_of(rows, slice))
    return _mean(found, metric, confidence, slice)


def paired_difference(
    candidate: Evaluation,
    champion: Evaluation,
    metric: Metric,
    confidence: float,
    slice: str | None = None,  # noqa: A002
) -> Estimate:
    """Estimates the mean of candidate − champion, in the metric's own unit, over the rows that both have scored.

    Rows are paired by their id; see `measured.difference`. `n` counts pairs; `coverage` is their share of the
    candidate's rows to which the metric applies on either side. The same candidate, asked in the same epoch on the same
    data, differs by exactly 0.
    """
    found = difference(candidate, champion, metric).where(part_of(candidate.rows, slice))
    if found.n == 0:
        return _estimate(found, metric, confidence, slice, None, None, None, "none")
    if identical(candidate, champion):
        return _estimate(found, metric, confidence, slice, 0.0, 0.0, 0.0, "identical")
    scored = found.scored
    reach = scored.high if np.isfinite(scored.high) else None
    interval = difference_interval(scored.values, scored.clusters, confidence, reach)
    return _estimate(found, metric, confidence, slice, *interval)


def identical(candidate: Evaluation, champion: Evaluation) -> bool:
    """Returns whether both are of the same candidate, asked in the same epoch on the same data."""
    one, other = ((each.candidate.digest, each.dataset, each.epoch) for each in (candidate, champion))
    return one == other


def _mean(found: Measured, metric: Metric, confidence: float, part: str | None) -> Estimate:
    scored = found.scored
    if scored.n == 0:
        return _estimate(found, metric, confidence, part, None, None, None, "none")
    interval = mean_interval(scored.values, scored.clusters, confidence, metric.low, metric.high)
    return _estimate(found, metric, confidence, part, *interval)


def _estimate(
    found: Measured,
    metric: Metric,
    confidence: float,
    part: str | None,
    value: float | None,
    low: float | None,
    high: float | None,
    method: str,
) -> Estimate:
    return Estimate(
        metric=metric.name,
        value=value,
        low=low,
        high=high,
        n=found.n,
        coverage=found.coverage,
        confidence=confidence,
        method=method,
        slice=part,
    )
