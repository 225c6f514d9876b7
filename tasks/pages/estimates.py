"""The estimates of an evaluation as a table: the difference from the champion first."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tasks.results.evaluation import Evaluation
from tasks.statistics.estimate import Estimate
from tasks.statistics.estimates import paired_difference

if TYPE_CHECKING:
    from tasks.scoring.score import Metric

CONFIDENCE = 0.95
"""Level of the intervals of metrics that no rule is about."""


def estimate_rows(
    evaluation: Evaluation, beside: Evaluation | None, metrics: "Mapping[str, Metric]"
) -> list[dict[str, Any]]:
    """Returns one row a metric: the difference from the champion first, then both values with their intervals.

    Args:
        evaluation: of the candidate.
        beside: of the champion, None where there is none.
        metrics: every metric by name.
    """
    other = beside if beside is not None and beside.candidate.digest != evaluation.candidate.digest else None
    rows: list[dict[str, Any]] = []
    for estimate in evaluation.estimates:
        metric = metrics[estimate.metric]
        if estimate.slice is not None or estimate.quantile is not None:
            continue
        row: dict[str, Any] = {"dimension": metric.dimension, "metric": named(estimate, metric)}
        if other is not None:
            difference = paired_difference(evaluation, other, metric, CONFIDENCE)
            champion = like(estimate, other.estimates)
            row |= {"difference": interval(difference), "candidate": interval(estimate), "champion": interval(champion)}
        else:
            row |= {"value": interval(estimate)}
        rows.append(row | {"n": estimate.n, "coverage": round(estimate.coverage, 3), "better": metric.direction})
    return rows


def interval(estimate: Estimate | None) -> str:
    """Returns `value [low, high]`, "" where nothing was measured."""
    if estimate is None or estimate.value is None or estimate.low is None or estimate.high is None:
        return ""
    return f"{estimate.value:.3g} [{estimate.low:.3g}, {estimate.high:.3g}]"


def named(estimate: Estimate, metric: "Metric") -> str:
    """Returns an estimate's metric, quantile and slice; a heuristic is called so wherever it is shown."""
    part = f" ({estimate.quantile:g} quantile)" if estimate.quantile is not None else ""
    where = f" where {estimate.slice}" if estimate.slice else ""
    return f"{estimate.metric}{' (heuristic)' if metric.heuristic else ''}{part}{where}"


def like(estimate: Estimate, among: Sequence[Estimate]) -> Estimate | None:
    """Returns the estimate of the same metric, slice and quantile, None where there is none."""
    wanted = (estimate.metric, estimate.slice, estimate.quantile)
    return next((each for each in among if (each.metric, each.slice, each.quantile) == wanted), None)
