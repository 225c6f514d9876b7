"""Verdicts in words: what a rule's estimate is, and what follows from it."""

from configs.schema.gate import Rule
from tasks.gating.claim import Claim
from tasks.gating.verdict import Decision
from tasks.scoring.score import Metric
from tasks.statistics.estimate import Estimate


def interval(estimate: Estimate) -> tuple[float, float]:
    """Returns the ends of an estimate's interval.

    Raises:
        ValueError: no row was scored, so that there is none.
    """
    if estimate.low is None or estimate.high is None:
        raise ValueError(f"{estimate.metric}: an estimate of no row has no interval")
    return estimate.low, estimate.high


def numbers(estimate: Estimate) -> str:
    """Returns value, interval and number of rows, to three digits: `0.45 [0.31, 0.599] n=30`."""
    low, high = interval(estimate)
    return f"{estimate.value:.3g} [{low:.3g}, {high:.3g}] n={estimate.n}"


def subject(rule: Rule) -> str:
    """Returns what a rule is about: its metric and slice."""
    return f"{rule.metric} where {rule.slice}" if rule.slice else rule.metric


def reason(
    rule: Rule, metric: Metric, claim: Claim, estimate: Estimate, decision: Decision, needed: int | None, rules: int
) -> str:
    """Returns a rule's estimate and what follows from it, in words.

    Args:
        rule: the rule.
        metric: its metric.
        claim: what it claims.
        estimate: what was measured.
        decision: what follows.
        needed: about how many rows would settle it; None for no number.
        rules: how many rules the gate has.
    """
    if rule.against_champion:
        shown = f"{subject(rule)} less the champion's {numbers(estimate)} ({metric.direction} is better)"
        said = _against_champion(rule, decision)
    else:
        shown = f"{subject(rule)}{_share(rule)} {numbers(estimate)}{_by_people(estimate)}"
        said = _against_bound(claim, estimate, decision, rules)
    return f"{shown}: {said}" + (f"; about {needed} rows would settle it" if needed else "")


def _by_people(estimate: Estimate) -> str:
    if estimate.judge_alone is None:
        return ""
    return f" ({estimate.method}; the judge alone {estimate.judge_alone:.3g})"


def _share(rule: Rule) -> str:
    if rule.quantile is None:
        return ""
    side, bound = ("at most", rule.at_most) if rule.at_least is None else ("at least", rule.at_least)
    return f", share of rows {side} {bound:g},"


def _against_champion(rule: Rule, decision: Decision) -> str:
    if rule.not_worse_than_champion_by is not None:
        what, good = f"worse by more than {rule.not_worse_than_champion_by:g}", Decision.FAIL
    else:
        by = rule.better_than_champion_by
        what, good = f"better by at least {by:g}" if by else "better", Decision.PASS
    if decision is Decision.INCONCLUSIVE:
        return f"it may be {what}, or not"
    return what if decision is good else f"not {what}"


def _against_bound(claim: Claim, estimate: Estimate, decision: Decision, rules: int) -> str:
    low, high = interval(estimate)
    good, bad = ("at or above", "below") if claim.above else ("at or below", "above")
    if decision is Decision.PASS:
        return f"the whole interval is {good} {claim.shown:g}"
    if decision is Decision.FAIL:
        return f"the whole interval is {bad} {claim.shown:g}"
    if high < claim.shown if claim.above else low > claim.shown:
        return f"{bad} {claim.shown:g}, but not certainly so for one of {rules} rules"
    return f"{claim.shown:g} lies inside the interval"
