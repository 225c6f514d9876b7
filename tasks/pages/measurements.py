"""Metrics on both sides of a page, and which of them differ."""

from collections.abc import Mapping, Sequence
from functools import partial

from tasks.pages.estimates import CONFIDENCE, like, named
from tasks.pages.page import Measurement
from tasks.results.evaluation import Evaluation
from tasks.scoring.score import Metric
from tasks.statistics.estimate import Estimate
from tasks.statistics.estimates import paired_difference
from tasks.statistics.holm import rejected


def measurements(
    one: Evaluation, other: Evaluation | None, metrics: Mapping[str, Metric], *, slices: bool = False
) -> tuple[Measurement, ...]:
    """Returns every metric of an evaluation that is known, beside the other side's; of times also quantiles.

    That some metric differs is an "or" over all of them, so that those which do are found by Holm's steps: any of them
    is said to differ wrongly once in twenty pages at most.

    Args:
        one: the evaluation.
        other: what it is compared with, on the same data; None where there is nothing.
        metrics: every metric by name.
        slices: over the rows of each slice, only harm, honesty and quality; else over all rows.
    """
    chosen = [each for each in one.estimates if _is_shown(each, metrics, slices=slices)]
    differences = [_difference(one, other, each, metrics) for each in chosen]
    differ = _differing(one, other, differences, metrics) if other else frozenset()
    return tuple(
        Measurement(
            metric=named(estimate, metrics[estimate.metric]),
            dimension=metrics[estimate.metric].dimension,
            better=metrics[estimate.metric].direction,
            slice=estimate.slice,
            one=estimate,
            other=like(estimate, other.estimates) if other else None,
            difference=differences[at],
            differs=at in differ,
        )
        for at, estimate in enumerate(chosen)
    )


def _is_shown(estimate: Estimate, metrics: Mapping[str, Metric], *, slices: bool) -> bool:
    metric = metrics.get(estimate.metric)
    if metric is None or (estimate.slice is not None) is not slices:
        return False
    return not slices or (estimate.value is not None and metric.dimension not in ("cost", "latency"))


def _difference(
    one: Evaluation, other: Evaluation | None, estimate: Estimate, metrics: Mapping[str, Metric]
) -> Estimate | None:
    """Returns the paired difference of an estimate's metric; None for a quantile, which has none."""
    if other is None or estimate.quantile is not None:
        return None
    return paired_difference(one, other, metrics[estimate.metric], CONFIDENCE, estimate.slice)


def _differing(
    one: Evaluation, other: Evaluation, differences: Sequence[Estimate | None], metrics: Mapping[str, Metric]
) -> frozenset[int]:
    def differs(difference: Estimate, error: float) -> bool:
        # An interval that holds zero holds it at every higher confidence.
        return _excludes_zero(difference) and _excludes_zero(
            paired_difference(one, other, metrics[difference.metric], 1 - error, difference.slice)
        )

    tested = {at: each for at, each in enumerate(differences) if each is not None and each.value is not None}
    positions = list(tested)
    found = rejected([partial(differs, each) for each in tested.values()], 1 - CONFIDENCE)
    return frozenset(positions[each] for each in found)


def _excludes_zero(estimate: Estimate) -> bool:
    return estimate.low is not None and estimate.high is not None and not estimate.low <= 0 <= estimate.high
