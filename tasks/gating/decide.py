"""Decides a gate: each rule by what its rows show, then the gate from its rules."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import NamedTuple

from configs.schema.gate import Gate, Rule
from tasks.calling.answer import Outcome
from tasks.gating.anytime import AnytimeTest
from tasks.gating.choosing import chosen_test
from tasks.gating.claim import Claim, claim_of
from tasks.gating.corrected import CorrectedTest, contradiction, corrected
from tasks.gating.identical import IdenticalTest
from tasks.gating.instrument import Instrument, too_small
from tasks.gating.looked_at_once import LookedAtOnce
from tasks.gating.reasons import reason, subject
from tasks.gating.verdict import Decision, GateName, RuleVerdict, Verdict
from tasks.results.evaluation import Evaluation
from tasks.scoring.score import Dimension, Metric
from tasks.statistics.anytime import Design, design_of
from tasks.statistics.drawing import draw_order
from tasks.statistics.estimate import Estimate
from tasks.statistics.estimates import identical
from tasks.statistics.holm import rejected
from tasks.statistics.intervals import Interval
from tasks.statistics.measured import both_scored, rows_a_value

ORDER: tuple[Dimension, ...] = ("harm", "honesty", "quality", "cost", "latency")
"""The order in which dimensions are judged: what does harm is not outweighed by what is cheap."""


def decide(
    gate_name: GateName,
    gate: Gate,
    candidate: Evaluation,
    champion: Evaluation | None,
    metrics: Mapping[str, Metric],
    design: Design | None = None,
    instruments: Mapping[str, Instrument] = MappingProxyType({}),
    looks: int = 1,
    terms: str = "",
) -> Verdict:
    """Decides a gate on a candidate's evaluation, of all rows or of those drawn so far.

    A rule is PASS where its rows show that it holds, FAIL where they show that it is broken, else INCONCLUSIVE: also
    with fewer rows scored than `min_coverage` asks for, with no row scored at all, or against a champion that is not
    there or was asked on other data. The gate is FAIL where any rule is, else INCONCLUSIVE where any is, else PASS.

    A PASS is an "and": each rule is tested at the gate's own level, and the gate is wrong no more often than that
    (intersection-union test; Berger 1982). A FAIL is an "or", that some rule is broken: the level is shared by all of
    them (Holm 1979). Rules come in the order of dimensions, harm first.

    Args:
        gate_name: which of the two gates.
        gate: its rules.
        candidate: evaluation of the candidate.
        champion: evaluation of the champion on the same data; None where there is no champion.
        metrics: the app's metrics by name.
        design: of all the rows that can be asked; those of the evaluation where not given.
        instruments: what is known of the judges, by their metrics.
        looks: how often this gate may be looked at, each time with a share of its error; one that stops early may be
            looked at always.
        terms: what the decision is by; see `terms_of`.
    """
    whole = gate.target == "this_set"
    design = (design or design_of(candidate.rows["cluster"]))._replace(whole=whole)
    candidate = _as_drawn(candidate, gate)
    ordered = sorted(gate.rules, key=lambda rule: ORDER.index(metrics[rule.metric].dimension))
    error = (1 - gate.confidence) / (1 if gate.stop_early else looks)
    trials = [_trial(rule, gate, candidate, champion, metrics, design, error) for rule in ordered]
    trials = [_as_seen(trial, instruments.get(trial.rule.metric)) for trial in trials]
    rules = _judged(trials, error)
    decisions = {rule.decision for rule in rules}
    worst = next((each for each in (Decision.FAIL, Decision.INCONCLUSIVE) if each in decisions), Decision.PASS)
    return Verdict(
        gate=gate_name,
        decision=worst,
        candidate=candidate.candidate.digest,
        champion=champion.candidate.digest if champion else None,
        evaluations=(candidate.id, champion.id) if champion else (candidate.id,),
        rules=rules,
        terms=terms,
        target=gate.target,
        rows_used=len(candidate.rows),
        rows_available=design.rows,
    )


_Test = AnytimeTest | LookedAtOnce


class _Trial(NamedTuple):
    """A rule under test.

    Attributes:
        estimate: what was measured.
        obstacle: why nothing can be decided, "" where it can.
        may_change: whether rows that are not asked yet may take the obstacle away.
        claim: None where there is nothing to compare with.
        test: None where there is an obstacle.
    """

    rule: Rule
    metric: Metric
    estimate: Estimate
    obstacle: str = ""
    may_change: bool = False
    claim: Claim | None = None
    test: _Test | None = None


def _trial(
    rule: Rule,
    gate: Gate,
    candidate: Evaluation,
    champion: Evaluation | None,
    metrics: Mapping[str, Metric],
    design: Design,
    error: float,
) -> _Trial:
    metric = metrics[rule.metric]
    if rule.against_champion and champion is None:
        return _Trial(rule, metric, _estimate(rule, error), "there is no champion to compare with")
    if rule.against_champion and champion is not None and champion.dataset != candidate.dataset:
        obstacle = "the champion was evaluated on other data; evaluate it on the same"
        return _Trial(rule, metric, _estimate(rule, error), obstacle)
    claim = claim_of(rule, metrics, candidate, champion)
    each = rows_a_value(candidate.rows, metric)
    design = design.of_values(each)
    rows, left = claim.rows, design.rows - len(candidate.rows) // each
    applying = int(rows.applies.sum())
    # Coverage is the best at the end if nothing fails any more.
    may_change = left > 0 and (rows.n + left) / (applying + left) >= gate.min_coverage
    if nothing := _nothing(claim, metric, candidate):
        return _Trial(rule, metric, _estimate(rule, error, claim), nothing, may_change, claim)
    test: _Test
    if rule.against_champion and champion is not None and identical(candidate, champion):
        test = IdenticalTest(claim)
    elif not gate.stop_early and corrected(claim, error):
        test = CorrectedTest(claim)
    else:
        test = chosen_test(claim, design, error, stop_early=gate.stop_early)
    estimate = _estimate(rule, error, claim, test.interval(error))
    if isinstance(test, CorrectedTest):
        estimate = estimate.model_copy(update={"judge_alone": float(rows.scored.values.mean())})
    elif against := contradiction(claim, error):
        return _Trial(rule, metric, estimate, against, claim=claim)
    if rows.coverage >= gate.min_coverage:
        return _Trial(rule, metric, estimate, claim=claim, test=test)
    obstacle = f"coverage {rows.coverage:.2f} < {gate.min_coverage:g}: too few of its rows were answered and scored"
    return _Trial(rule, metric, estimate, obstacle, may_change, claim)


def _nothing(claim: Claim, metric: Metric, candidate: Evaluation) -> str:
    """Returns why there is no number to decide on, "" where there is one."""
    if claim.rows.n == 0:
        return f"no row scored{_why(candidate)}"
    if claim.ratio and metric.ratio and not both_scored(*claim.ratio)[1].values.any():
        return f"{metric.ratio[1]} is 0 in all of its {claim.rows.n} rows: there is nothing to divide by"
    return ""


def _why(evaluation: Evaluation) -> str:
    """Returns why the first row that was not answered was not, where that is known."""
    causes = (cause for cause in evaluation.rows["cause"] if cause)
    return f": {cause}" if (cause := next(causes, "")) else ""


def _as_seen(trial: _Trial, instrument: Instrument | None) -> _Trial:
    """Returns a trial as far as the judge behind its metric can be relied on."""
    if instrument is None or trial.test is None:
        return trial
    small = too_small(instrument, trial.rule, trial.estimate) if trial.rule.against_champion else ""
    obstacle = instrument.unfit or small
    return trial._replace(obstacle=obstacle, test=None, may_change=not instrument.unfit) if obstacle else trial


def _estimate(rule: Rule, error: float, claim: Claim | None = None, interval: Interval | None = None) -> Estimate:
    return Estimate(
        metric=rule.metric,
        value=interval.value if interval else None,
        low=interval.low if interval else None,
        high=interval.high if interval else None,
        n=claim.rows.n if claim else 0,
        coverage=claim.rows.coverage if claim else 0.0,
        confidence=1 - error,
        method=interval.method if interval else "none",
        slice=rule.slice,
    )


def _judged(trials: list[_Trial], error: float) -> tuple[RuleVerdict, ...]:
    """Judges the rules: each PASS at the level, the FAILs together at that level, by Holm's steps."""
    broken = rejected([partial(_broken, trial) for trial in trials], error)
    return tuple(_verdict(trial, at in broken, error, len(trials)) for at, trial in enumerate(trials))


def _broken(trial: _Trial, error: float) -> bool:
    return trial.test is not None and trial.test.broken(error)


def _verdict(trial: _Trial, broken: bool, error: float, rules: int) -> RuleVerdict:
    rule, claim, test = trial.rule, trial.claim, trial.test
    if claim is None or test is None:
        return RuleVerdict(
            rule=str(rule),
            metric=rule.metric,
            decision=Decision.INCONCLUSIVE,
            reason=f"{subject(rule)}: {trial.obstacle}",
            estimate=trial.estimate,
            bound=claim.shown if claim else None,
            above=claim.above if claim else True,
            may_pass=trial.may_change,
            may_fail=trial.may_change,
        )
    decision = Decision.FAIL if broken else Decision.PASS if test.holds(error) else Decision.INCONCLUSIVE
    needed = test.rows_needed(error) if decision is Decision.INCONCLUSIVE else None
    return RuleVerdict(
        rule=str(rule),
        metric=rule.metric,
        decision=decision,
        reason=reason(rule, trial.metric, claim, trial.estimate, decision, needed, rules),
        estimate=trial.estimate,
        bound=claim.shown,
        above=claim.above,
        may_pass=test.may_hold,
        may_fail=test.may_break,
        rows_needed=needed,
    )


def _as_drawn(evaluation: Evaluation, gate: Gate) -> Evaluation:
    """Returns an evaluation with its rows in the order in which they are drawn.

    Of a gate that stops early, rows that only the budget has cut off were not drawn. Where rows of two datasets were
    drawn one after the other, clusters that were seen in the first tell nothing new in the second, and are left out.
    """
    rows, scores = evaluation.rows, evaluation.scores
    stages = rows["stage"] if "stage" in rows.columns else None
    order = draw_order(rows["cluster"], stages)
    rows, scores = rows.iloc[order], scores.iloc[order]
    if not gate.stop_early:
        return replace(evaluation, rows=rows, scores=scores)
    drawn = rows["outcome"] != Outcome.SKIPPED
    if "stage" in rows.columns:
        seen = set(rows.loc[rows["stage"] == 0, "cluster"])
        drawn &= (rows["stage"] == 0) | ~rows["cluster"].isin(seen)
    return replace(evaluation, rows=rows[drawn], scores=scores[drawn])
