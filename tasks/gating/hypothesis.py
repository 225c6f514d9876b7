"""Judges an exploration's hypothesis after it, as it was written before it."""

from collections.abc import Mapping
from enum import StrEnum

from configs.schema.app import Hypothesis
from configs.schema.base import Frozen
from tasks.gating.reasons import interval, numbers
from tasks.results.evaluation import Evaluation
from tasks.scoring.score import Metric
from tasks.statistics.estimate import Estimate
from tasks.statistics.estimates import paired_difference


class Judgement(StrEnum):
    """What became of a hypothesis."""

    SUPPORTED = "SUPPORTED"
    REFUTED = "REFUTED"
    UNDECIDED = "UNDECIDED"


class HypothesisVerdict(Frozen):
    """A hypothesis judged: `estimate` is the paired difference treatment − control, in the metric's own unit."""

    statement: str
    decision: Judgement
    reason: str
    estimate: Estimate


def judge_hypothesis(
    hypothesis: Hypothesis,
    treatment: Evaluation,
    control: Evaluation,
    metrics: Mapping[str, Metric],
    confidence: float = 0.95,
) -> HypothesisVerdict:
    """Judges whether the treatment is better than the control by at least the expected difference.

    SUPPORTED where the whole interval of the improvement reaches the expected difference, REFUTED where the whole
    interval falls short of it, else UNDECIDED; also where no row was scored on both sides.

    Args:
        hypothesis: as written before.
        treatment: evaluation with the prompt believed to be better.
        control: evaluation with the other, on the same data.
        metrics: the app's metrics by name.
        confidence: level of the interval.
    """
    metric = metrics[hypothesis.metric]
    difference = paired_difference(treatment, control, metric, confidence)
    decision, reason = _judged(hypothesis.expected_difference, difference, metric)
    return HypothesisVerdict(
        statement=hypothesis.statement,
        decision=decision,
        reason=f"{metric.name}, {hypothesis.treatment} less {hypothesis.control}: {reason}",
        estimate=difference,
    )


def _judged(expected: float, difference: Estimate, metric: Metric) -> tuple[Judgement, str]:
    if difference.n == 0:
        return Judgement.UNDECIDED, "no row scored on both sides"
    low, high = interval(difference)
    gain_low, gain_high = (low, high) if metric.direction == "higher" else (-high, -low)
    shown = f"{numbers(difference)} ({metric.direction} is better)"
    if gain_low >= expected:
        return Judgement.SUPPORTED, f"{shown}: better by at least {expected:g}"
    if gain_high < expected:
        return Judgement.REFUTED, f"{shown}: not better by {expected:g}"
    return Judgement.UNDECIDED, f"{shown}: it may be better by {expected:g}, or not"
