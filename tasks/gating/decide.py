"""Decides a gate: each rule against its interval, then the gate from its rules."""

from collections.abc import Collection, Mapping
from typing import Literal

from configs.errors import ConfigurationError
from configs.schema.app import App
from configs.schema.gate import Gate, Rule
from tasks.gating.reasons import interval, numbers
from tasks.gating.verdict import Decision, RuleVerdict, Verdict
from tasks.results.evaluation import Evaluation
from tasks.scoring.score import Dimension, Metric
from tasks.statistics.estimate import Estimate
from tasks.statistics.estimates import estimate_metric, paired_difference

ORDER: tuple[Dimension, ...] = ("harm", "honesty", "quality", "cost", "latency")
"""The order in which dimensions are judged: what does harm is not outweighed by what is cheap."""


def check_gates(app: App, metrics: Mapping[str, Metric]) -> None:
    """Checks that every rule of both gates can be decided at all.

    Raises:
        ConfigurationError: a rule names a metric or a slice column that the app does not have.
    """
    for name, gate in (("sample", app.gates.sample), ("release", app.gates.release)):
        for position, rule in enumerate(gate.rules):
            where = f"app.yaml key `gates.{name}.rules.{position}` ({rule})"
            _check_known(where, "metric", rule.metric, metrics, "add its scorer to `scorers`")
            if rule.slice:
                column = rule.slice.partition("=")[0]
                known = app.datasets.columns.slices
                _check_known(where, "slice column", column, known, "add it to `datasets.columns.slices`")


def _check_known(where: str, what: str, name: str, known: Collection[str], advice: str) -> None:
    if name not in known:
        listed = ", ".join(sorted(known)) or "none"
        raise ConfigurationError(f"{where}: unknown {what} {name!r}; known are {listed}; mend the rule or {advice}")


def decide(
    gate_name: Literal["sample", "release"],
    gate: Gate,
    candidate: Evaluation,
    champion: Evaluation | None,
    metrics: Mapping[str, Metric],
) -> Verdict:
    """Decides a gate on a candidate's evaluation.

    A rule is PASS where the whole interval is on its right side, FAIL where the whole interval is on its wrong side,
    else INCONCLUSIVE: a bound that lies inside the interval, fewer rows scored than `min_coverage` asks for, no row
    scored at all, or a rule against a champion that is not there or was asked on other data. The gate is FAIL where
    any rule is, else INCONCLUSIVE where any is, else PASS. Rules come in the order of dimensions, harm first.

    Args:
        gate_name: which of the two gates.
        gate: its rules.
        candidate: evaluation of the candidate.
        champion: evaluation of the champion on the same data; None where there is no champion.
        metrics: the app's metrics by name.
    """
    ordered = sorted(gate.rules, key=lambda rule: ORDER.index(metrics[rule.metric].dimension))
    rules = tuple(_decide_rule(rule, gate, candidate, champion, metrics[rule.metric]) for rule in ordered)
    decisions = {rule.decision for rule in rules}
    worst = next((each for each in (Decision.FAIL, Decision.INCONCLUSIVE) if each in decisions), Decision.PASS)
    return Verdict(
        gate=gate_name,
        decision=worst,
        candidate=candidate.candidate.digest,
        champion=champion.candidate.digest if champion else None,
        evaluations=(candidate.id, champion.id) if champion else (candidate.id,),
        rules=rules,
    )


def _decide_rule(
    rule: Rule, gate: Gate, candidate: Evaluation, champion: Evaluation | None, metric: Metric
) -> RuleVerdict:
    estimate = estimate_metric(candidate.rows, candidate.scores, metric, gate.confidence, rule.slice)
    if not rule.against_champion:
        return _verdict(rule, estimate, *(_undecidable(estimate, gate) or _against_bound(rule, estimate)))
    if champion is None:
        reason = f"{_name(estimate)}: there is no champion to compare with"
        return _verdict(rule, estimate, Decision.INCONCLUSIVE, reason)
    if champion.dataset != candidate.dataset:
        reason = f"{_name(estimate)}: the champion was evaluated on other data; evaluate it on the same"
        return _verdict(rule, estimate, Decision.INCONCLUSIVE, reason)
    difference = paired_difference(candidate, champion, metric, gate.confidence, rule.slice)
    return _verdict(rule, difference, *(_undecidable(difference, gate) or _against_champion(rule, difference, metric)))


def _undecidable(estimate: Estimate, gate: Gate) -> tuple[Decision, str] | None:
    if estimate.n == 0:
        return Decision.INCONCLUSIVE, f"{_name(estimate)}: no row scored"
    if estimate.coverage < gate.min_coverage:
        reason = f"{_name(estimate)}: coverage {estimate.coverage:.2f} < {gate.min_coverage:g}"
        return Decision.INCONCLUSIVE, f"{reason}: too few of its rows were answered and scored"
    return None


def _against_bound(rule: Rule, estimate: Estimate) -> tuple[Decision, str]:
    low, high = interval(estimate)
    if rule.at_least is not None:
        bound, holds, broken = rule.at_least, low >= rule.at_least, high < rule.at_least
        sides = ("at or above", "below")
    else:
        bound = float(rule.at_most or 0)
        holds, broken = high <= bound, low > bound
        sides = ("at or below", "above")
    shown = f"{_name(estimate)} {numbers(estimate)}"
    if holds:
        return Decision.PASS, f"{shown}: the whole interval is {sides[0]} {bound:g}"
    if broken:
        return Decision.FAIL, f"{shown}: the whole interval is {sides[1]} {bound:g}"
    return Decision.INCONCLUSIVE, f"{shown}: {bound:g} lies inside the interval"


def _against_champion(rule: Rule, difference: Estimate, metric: Metric) -> tuple[Decision, str]:
    low, high = interval(difference)
    gain_low, gain_high = (low, high) if metric.direction == "higher" else (-high, -low)
    shown = f"{_name(difference)} less the champion's {numbers(difference)} ({metric.direction} is better)"
    if rule.not_worse_than_champion_by is not None:
        margin = rule.not_worse_than_champion_by
        claim = f"worse by more than {margin:g}"
        if gain_low >= -margin:
            return Decision.PASS, f"{shown}: not {claim}"
        if gain_high < -margin:
            return Decision.FAIL, f"{shown}: {claim}"
    else:
        margin = rule.better_than_champion_by or 0.0
        claim = f"better by at least {margin:g}" if margin else "better"
        if gain_low >= margin and gain_low > 0:
            return Decision.PASS, f"{shown}: {claim}"
        if gain_high < margin or gain_high <= 0:
            return Decision.FAIL, f"{shown}: not {claim}"
    return Decision.INCONCLUSIVE, f"{shown}: it may be {claim}, or not"


def _verdict(rule: Rule, estimate: Estimate, decision: Decision, reason: str) -> RuleVerdict:
    return RuleVerdict(rule=str(rule), metric=rule.metric, decision=decision, reason=reason, estimate=estimate)


def _name(estimate: Estimate) -> str:
    return f"{estimate.metric} where {estimate.slice}" if estimate.slice else estimate.metric
