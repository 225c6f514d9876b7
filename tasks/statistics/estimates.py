"""Estimates of an evaluation's metrics, over all rows and by slice, and of paired differences between two."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.results.evaluation import Evaluation
from tasks.scoring.score import Metric
from tasks.scoring.usage import USAGE_METRICS, usage_values
from tasks.statistics.estimate import Estimate
from tasks.statistics.intervals import difference_interval, mean_interval

if TYPE_CHECKING:
    import pandas as pd


_HASHED = 8192


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
    clusters = _clusters(rows["cluster"])
    by_metric: list[list[Estimate]] = []
    for metric in metrics.values():
        # One metric at a time, as bare arrays: of very many rows, tables of all would be most of what is in memory.
        measured = _Measured(*_values(rows, scores, metric), clusters)
        by_metric.append([_estimate(measured.where(_mask(rows, part)), metric, confidence, part) for part in parts])
    return tuple(estimate for of_part in zip(*by_metric, strict=True) for estimate in of_part)


def estimate_metric(
    rows: "pd.DataFrame",
    scores: "pd.DataFrame",
    metric: Metric,
    confidence: float,
    slice: str | None = None,  # noqa: A002 the word for it
) -> Estimate:
    """Estimates one metric over all rows, or over those of one slice (`column=value`)."""
    measured = _Measured(*_values(rows, scores, metric), _clusters(rows["cluster"]))
    return _estimate(measured.where(_mask(rows, slice)), metric, confidence, slice)


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
    left, right = _table(candidate, metric, slice), _table(champion, metric, slice)
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
        value, low, high, method = difference_interval(differences, _clusters(both["cluster"]), confidence, reach)
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


class _Measured(NamedTuple):
    """One metric of rows: its value, NaN where there is none; whether it applies; and the row's cluster."""

    values: NDArray[np.float64]
    applies: NDArray[np.bool_]
    clusters: NDArray[np.uint64]

    def where(self, mask: NDArray[np.bool_] | None) -> "_Measured":
        return self if mask is None else _Measured(self.values[mask], self.applies[mask], self.clusters[mask])


def _values(
    rows: "pd.DataFrame", scores: "pd.DataFrame", metric: Metric
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Returns a metric's value for each row, NaN where there is none, and whether it applies."""
    if metric.name in USAGE_METRICS:
        return np.asarray(usage_values(rows, metric.name), np.float64), np.ones(len(rows), dtype=bool)
    if metric.name in scores.columns:
        return np.asarray(scores[metric.name], np.float64), np.asarray(scores[f"{metric.name}.applies"], bool)
    return np.full(len(rows), np.nan), np.ones(len(rows), dtype=bool)


def _table(evaluation: Evaluation, metric: Metric, part: str | None) -> "pd.DataFrame":
    """Returns one line a row of a slice, by its id: `value`, `applies` and `cluster`."""
    values, applies = _values(evaluation.rows, evaluation.scores, metric)
    table = evaluation.rows[["row_id", "cluster"]].assign(value=values, applies=applies)
    mask = _mask(evaluation.rows, part)
    return (table if mask is None else table[mask]).set_index("row_id")


def _estimate(measured: _Measured, metric: Metric, confidence: float, part: str | None) -> Estimate:
    scored = measured.where(~np.isnan(measured.values))
    n, coverage = len(scored.values), _share(len(scored.values), int(measured.applies.sum()))
    if n == 0:
        return _nothing(metric, coverage, confidence, part)
    value, low, high, method = mean_interval(scored.values, scored.clusters, confidence, metric.low, metric.high)
    return Estimate(
        metric=metric.name,
        value=value,
        low=low,
        high=high,
        n=n,
        coverage=coverage,
        confidence=confidence,
        method=method,
        slice=part,
    )


def _clusters(names: "pd.Series[str]") -> NDArray[np.uint64]:
    """Returns the clusters as numbers, which are sorted far sooner than texts: hashes, of a few names at a time."""
    import pandas as pd

    parts = [names.iloc[start : start + _HASHED] for start in range(0, len(names), _HASHED)]
    hashed = [pd.util.hash_array(part.to_numpy(object), categorize=False) for part in parts]
    return np.concatenate([np.empty(0, np.uint64), *hashed])


def _mask(rows: "pd.DataFrame", part: str | None) -> NDArray[np.bool_] | None:
    """Returns which rows belong to a slice; None for all of them."""
    if part is None:
        return None
    column, _, value = part.partition("=")
    name = f"slice.{column}"
    return (rows[name] == value).to_numpy(bool) if name in rows.columns else np.zeros(len(rows), dtype=bool)


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
