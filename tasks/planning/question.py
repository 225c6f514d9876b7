"""What one rule, or one wanted difference, takes."""

import math
from collections.abc import Iterator, Mapping

import numpy as np

from configs.schema.gate import Rule
from tasks.gating.claim import Claim, claim_of
from tasks.planning.known import Known
from tasks.planning.plan import Amount, Assumptions, Question, Scenario
from tasks.results.evaluation import Evaluation
from tasks.row_cost import RowCost, row_cost
from tasks.scoring.score import Metric
from tasks.statistics.asymptotic import LEAST
from tasks.statistics.measured import Measured, both_scored, measured, part_of
from tasks.statistics.planning import (
    Floats,
    Sequential,
    Spread,
    design_effect,
    discordant,
    fixed_rows,
    rows_of_difference,
    rows_of_mean,
)

_FEW = 10
"""Pairs below which the spread of differences is assumed rather than measured."""


def question(rule: Rule, metric: Metric, known: Known, assumptions: Assumptions) -> Question:
    """Returns what it takes to show that a rule holds, or that it is broken.

    A rule against the champion is planned for truths one, two and three margins inside its bound, the others for their
    metric as it was measured.

    Args:
        rule: what is to be shown.
        metric: the metric that it names.
        known: what is stored.
        assumptions: how sure it is to be.
    """
    if rule.against_champion:
        return _of_difference(rule, metric, known, assumptions)
    return _of_mean(rule, known, assumptions)


def _of_difference(rule: Rule, metric: Metric, known: Known, assumptions: Assumptions) -> Question:
    margin, wanted = rule.not_worse_than_champion_by, rule.better_than_champion_by
    distance = assumptions.difference or margin or wanted or 0.0
    # In the direction that is better.
    bound = wanted or 0.0 if margin is None else -margin
    rows = _differences(rule, known)
    spread = None if rows is None else Spread(np.abs(rows.scored.values), rows.high)
    if rows is None or spread is None or not spread.sizes.any():
        return _assumed(rule, metric, distance, bound, known, assumptions)
    scored, asked = rows.scored, len(rows.values)
    effect = design_effect(scored.values, scored.clusters)
    basis = f"{scored.n} pairs measured, {np.count_nonzero(spread.sizes) / scored.n:.0%} of them differ"
    basis += f"; {scored.n / asked:.0%} of rows count" if scored.n < asked else ""
    return _of_spread(rule, basis, spread, distance, bound, effect * asked / scored.n, effect, known, assumptions)


def _assumed(
    rule: Rule, metric: Metric, distance: float, bound: float, known: Known, assumptions: Assumptions
) -> Question:
    if metric.high is None:
        basis = "not measured yet: evaluate two candidates on the same data first"
        return Question(rule=str(rule), metric=rule.metric, basis=basis, design_effect=1, scenarios=(), note="")
    spread = discordant(assumptions.discordant, metric.high - metric.low)
    basis = f"assumed: {assumptions.discordant:.0%} of rows differ, and no clusters (--discordant says another share)"
    counting = _counting(rule, metric, known.one)
    basis += f"; {counting:.0%} of rows count" if counting < 1 else ""
    return _of_spread(rule, basis, spread, distance, bound, 1 / counting, 1.0, known, assumptions)


def _counting(rule: Rule, metric: Metric, one: Evaluation | None) -> float:
    """Returns the share of rows that have a value for a rule; all of them where none was measured."""
    rows = measured(one.rows, one.scores, metric).only(part_of(one.rows, rule.slice)) if one else None
    return rows.n / len(rows.values) if rows and rows.n else 1.0


def _of_spread(
    rule: Rule,
    basis: str,
    spread: Spread,
    distance: float,
    bound: float,
    rows_a_row: float,
    effect: float,
    known: Known,
    assumptions: Assumptions,
) -> Question:
    """Returns the question with the truth one, two and three distances inside the bound."""
    made: list[Scenario] = []
    note = "" if distance else "how large a difference matters is not said: give --metric and --difference"
    for times in (1, 2, 3) if distance else ():
        mean = bound + times * distance
        if not spread.reaches(mean):
            note = f"a mean difference of {mean:.3g} cannot be: too few rows differ"
            break
        at_once = fixed_rows(spread.variance(mean), mean - bound, assumptions.error, assumptions.power)
        at_once = _enough(at_once, spread.reach)
        steps = rows_of_difference(spread, mean, bound, (distance,), assumptions.error, at_once)
        truth = f"{mean:.3g} better" if mean > 1e-12 else "no difference"
        made.append(_scenario(truth, at_once, steps, rows_a_row, known.cost, known.data))
    return Question(
        rule=str(rule),
        metric=rule.metric,
        basis=basis,
        design_effect=round(effect, 3),
        scenarios=tuple(made),
        note=note,
    )


def _of_mean(rule: Rule, known: Known, assumptions: Assumptions) -> Question:
    claim = claim_of(rule, known.metrics, known.one, None) if known.one else None
    if claim is None or claim.rows.n == 0:
        basis = "not measured yet: evaluate a candidate first"
        return Question(rule=str(rule), metric=rule.metric, basis=basis, design_effect=1, scenarios=(), note="")
    scored = claim.rows.scored
    effect = design_effect(scored.values, scored.clusters)
    scenarios = tuple(_as_measured(claim, effect, known, assumptions))
    return Question(
        rule=str(rule),
        metric=rule.metric,
        basis=f"{scored.n} rows measured, {_value(claim)}",
        design_effect=round(effect, 3),
        scenarios=scenarios,
        note="" if scenarios else "the mean is on the bound itself: no number of rows settles that",
    )


def _value(claim: Claim) -> str:
    if claim.ratio is None:
        return f"mean {float(claim.rows.scored.values.mean()):.3g}"
    above, below = (float(rows.values.mean()) for rows in both_scored(*claim.ratio))
    return f"ratio {above / below:.3g}" if below else "nothing to divide by"


def _as_measured(claim: Claim, effect: float, known: Known, assumptions: Assumptions) -> Iterator[Scenario]:
    """Yields what it takes to show that the rule holds, or that it is broken, if the mean is what it was so far."""
    rows = claim.rows.scored
    holds = claim.holds_for(float(rows.values.mean()))
    values, low, high, bound = rows.values, rows.low, rows.high, claim.bound
    if claim.above is not holds:
        values, low, high, bound = -values, -high, -low, -bound
    distance = float(values.mean()) - bound
    if distance <= 0:
        return
    variance, at_bound = _variances(values, low, high, bound)
    at_once = fixed_rows(variance, distance, assumptions.error, assumptions.power, at_bound)
    at_once = _enough(at_once, high - low)
    hoped = claim.hoped if holds else claim.feared
    steps = rows_of_mean(values, low, high, bound, hoped, assumptions.error, at_once)
    cost = row_cost(known.one) if known.one else known.cost
    truth = f"as measured, so that it {'holds' if holds else 'is broken'}"
    yield _scenario(truth, at_once, steps, effect * len(claim.rows.values) / rows.n, cost, known.data)


def _enough(rows: int, reach: float) -> int:
    """Returns how many rows a gate decides on: of values without bounds never fewer than 30."""
    return rows if np.isfinite(reach) else max(rows, LEAST)


def _variances(values: Floats, low: float, high: float, bound: float) -> tuple[float, float | None]:
    """Returns the variance of values, and where their mean is on the bound, if that is another.

    Values that are all alike do not tell how they spread: bounded ones count as if they were 0 or 1 with that mean,
    others as exponential ones, as their intervals do.
    """
    mean, alike = float(values.mean()), np.ptp(values) == 0
    if not np.isfinite(high - low):
        return mean**2 if alike else float(values.var()), None
    if alike or np.all((values == low) | (values == high)):
        # A bound outside the range leaves nothing to show: no mean is on it.
        return (mean - low) * (high - mean), max(0.0, (bound - low) * (high - bound))
    return float(values.var()), None


def _scenario(
    truth: str, at_once: int, steps: Sequential | None, rows_a_row: float, cost: RowCost, data: Mapping[str, int]
) -> Scenario:
    def amount(rows: int) -> Amount:
        whole = math.ceil(rows * rows_a_row - 1e-9)
        price, seconds = cost.times(whole)
        enough = tuple(name for name, there in data.items() if there >= whole)
        return Amount(rows=whole, price=price, seconds=seconds, in_data=enough)

    return Scenario(
        truth=truth,
        at_once=amount(at_once),
        sequential=amount(steps.mean) if steps else None,
        nine_in_ten=amount(steps.nine_in_ten).rows if steps else None,
    )


def _differences(rule: Rule, known: Known) -> Measured | None:
    if known.one is None or known.other is None:
        return None
    rows = claim_of(rule, known.metrics, known.one, known.other).rows
    return rows if rows.n >= _FEW else None
