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
    """Returns every metric of an evaluation that is known, beside the other side's.

    That some metric differs is an "or" over all of them, so that those which do are found by Holm's steps: any of them
    is said to differ wrongly once in twenty pages at most.

    Args:
        one: the evaluation.
        other: what it is compared with, on the same data; None where there is nothing.
        metrics: every metric by name.
        slices: over the rows of each slice, only harm, honesty and quality; else over all rows.
    """
    chosen = [each for each in one.estimates if _is_shown(each, metrics, slices=slices)]
    differ = _differing(one, other, chosen, metrics) if other else frozenset()
    return tuple(_measured(each, one, other, metrics, differs=at in differ) for at, each in enumerate(chosen))


def _is_shown(estimate: Estimate, metrics: Mapping[str, Metric], *, slices: bool) -> bool:
    metric = metrics.get(estimate.metric)
    if metric is None or estimate.quantile is not None or (estimate.slice is not None) is not slices:
        return False
    return not slices or (estimate.value is not None and metric.dimension not in ("cost", "latency"))


def _measured(
    estimate: Estimate, one: Evaluation, other: Evaluation | None, metrics: Mapping[str, Metric], *, differs: bool
) -> Measurement:
    metric = metrics[estimate.metric]
    return Measurement(
        metric=named(estimate, metric),
        dimension=metric.dimension,
        better=metric.direction,
        slice=estimate.slice,
        one=estimate,
        other=like(estimate, other.estimates) if other else None,
        difference=paired_difference(one, other, metric, CONFIDENCE, estimate.slice) if other else None,
        differs=differs,
    )


def _differing(
    one: Evaluation, other: Evaluation, estimates: Sequence[Estimate], metrics: Mapping[str, Metric]
) -> frozenset[int]:
    def differs(estimate: Estimate, error: float) -> bool:
        found = paired_difference(one, other, metrics[estimate.metric], 1 - error, estimate.slice)
        return found.low is not None and found.high is not None and not found.low <= 0 <= found.high

    return rejected([partial(differs, each) for each in estimates], 1 - CONFIDENCE)
