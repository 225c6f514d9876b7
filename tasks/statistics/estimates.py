"""Estimates of metrics over rows, all of them or those of a slice, and of the difference between two evaluations."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tasks.results.evaluation import Evaluation
from tasks.scoring.score import Metric
from tasks.statistics.anytime import Design, anytime_interval, design_of
from tasks.statistics.estimate import Estimate
from tasks.statistics.intervals import difference_interval, mean_interval, ratio_interval
from tasks.statistics.measured import (
    Measured,
    both_scored,
    cluster_numbers,
    difference,
    measured,
    part_of,
    rows_a_value,
)
from tasks.statistics.quantiles import quantile_interval

if TYPE_CHECKING:
    import pandas as pd


_STOPPED = {"low": None, "high": None, "method": "stopped early: no interval"}

QUANTILES = (0.5, 0.95, 0.99)
"""Of a latency, whose mean tells little of what users wait for."""


def estimate_all(
    rows: "pd.DataFrame",
    scores: "pd.DataFrame",
    metrics: Mapping[str, Metric],
    confidence: float,
    slices: Sequence[str] = (),
    drawn_from: Design | None = None,
) -> tuple[Estimate, ...]:
    """Estimates every metric over all rows, then over the rows of each value of each slice column.

    Args:
        rows: as `Evaluation.rows`.
        scores: as `Evaluation.scores`.
        metrics: metrics by name.
        confidence: level of the intervals, such as 0.95.
        slices: slice columns; rows where one is empty belong to no slice of it.
        drawn_from: of which the rows were drawn until something was settled, in their order: then the intervals of
            means hold at any time, and quantiles and ratios have none. None where all rows were asked.
    """
    parts: list[str | None] = [None]
    for column in slices:
        parts += [f"{column}={value}" for value in sorted(rows[f"slice.{column}"].unique()) if value]
    masks = [part_of(rows, part) for part in parts]
    clusters = cluster_numbers(rows["cluster"])
    by_metric: list[list[tuple[Estimate, ...]]] = []
    for metric in metrics.values():
        # One metric at a time, as bare arrays: of very many rows, tables of all would be most of what is in memory.
        found = _columns(rows, scores, metric, metrics, clusters)
        design = drawn_from.of_values(rows_a_value(rows, metric)) if drawn_from else None
        by_metric.append(
            [
                _estimates(tuple(each.where(mask) for each in found), metric, confidence, part, design)
                for part, mask in zip(parts, masks, strict=True)
            ]
        )
    return tuple(each for of_part in zip(*by_metric, strict=True) for estimates in of_part for each in estimates)


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

    Rows are paired by their id; see `measured.difference`. Where the candidate was asked until something was settled,
    the interval holds at any time. `n` counts pairs; `coverage` is their share of the
    candidate's rows to which the metric applies on either side. The same candidate, asked in the same epoch on the same
    data, differs by exactly 0.
    """
    found = difference(candidate, champion, metric).where(part_of(candidate.rows, slice))
    if found.n == 0:
        return _estimate(found, metric, confidence, slice, None, None, None, "none")
    if identical(candidate, champion):
        return _estimate(found, metric, confidence, slice, 0.0, 0.0, 0.0, "identical")
    if candidate.stopped_early or champion.stopped_early:
        design = design_of(candidate.rows["cluster"]).of_values(rows_a_value(candidate.rows, metric))
        return _estimate(found, metric, confidence, slice, *anytime_interval(found, confidence, design))
    scored = found.scored
    reach = scored.high if np.isfinite(scored.high) else None
    interval = difference_interval(scored.values, scored.clusters, confidence, reach)
    return _estimate(found, metric, confidence, slice, *interval)


def identical(candidate: Evaluation, champion: Evaluation) -> bool:
    """Returns whether both are of the same candidate, asked in the same epoch on the same data."""
    one, other = ((each.candidate.digest, each.dataset, each.epoch) for each in (candidate, champion))
    return one == other


def _columns(
    rows: "pd.DataFrame",
    scores: "pd.DataFrame",
    metric: Metric,
    metrics: Mapping[str, Metric],
    clusters: NDArray[np.uint64],
) -> tuple[Measured, ...]:
    """Returns what a metric is made of: its own values, or those of the two that it is the ratio of."""
    if metric.ratio is None:
        return (measured(rows, scores, metric, clusters),)
    return tuple(measured(rows, scores, metrics[name], clusters) for name in metric.ratio)


def _estimates(
    found: tuple[Measured, ...], metric: Metric, confidence: float, part: str | None, drawn_from: Design | None
) -> tuple[Estimate, ...]:
    """Returns the estimates of one metric: its mean or ratio, and of a latency its quantiles."""
    if metric.ratio is not None:
        above, below = found
        ratio = _ratio(above, below, metric, confidence, part)
        return (ratio if drawn_from is None else ratio.model_copy(update=_STOPPED),)
    mean = _mean(found[0], metric, confidence, part, drawn_from)
    if metric.dimension != "latency" or mean.n == 0:
        return (mean,)
    scored = found[0].scored
    quantiles = tuple(
        _estimate(
            found[0], metric, confidence, part, *quantile_interval(scored.values, scored.clusters, q, confidence)
        ).model_copy(update={"quantile": q})
        for q in QUANTILES
    )
    if drawn_from is not None:
        quantiles = tuple(each.model_copy(update=_STOPPED) for each in quantiles)
    return (mean, *quantiles)


def _ratio(above: Measured, below: Measured, metric: Metric, confidence: float, part: str | None) -> Estimate:
    """Estimates the ratio of two means over the rows that have both; none where the one below is nothing."""
    one, other = both_scored(above, below)
    rows = above._replace(values=above.values + 0 * below.values, applies=above.applies & below.applies)
    if one.n == 0 or not other.values.any():
        return _estimate(rows, metric, confidence, part, None, None, None, "none")
    interval = ratio_interval(one.values, other.values, one.clusters, confidence)
    return _estimate(rows, metric, confidence, part, *interval)


def _mean(
    found: Measured, metric: Metric, confidence: float, part: str | None, drawn_from: Design | None = None
) -> Estimate:
    scored = found.scored
    if scored.n == 0:
        return _estimate(found, metric, confidence, part, None, None, None, "none")
    if drawn_from is not None:
        return _estimate(found, metric, confidence, part, *anytime_interval(found, confidence, drawn_from))
    high = scored.high if np.isfinite(scored.high) else None
    interval = mean_interval(scored.values, scored.clusters, confidence, scored.low, high)
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
