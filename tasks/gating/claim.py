"""A rule as a claim on a mean: every kind of rule, over the rows that it is about, in one form."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from configs.schema.gate import Rule
from tasks.results.evaluation import Evaluation
from tasks.scoring.score import Metric
from tasks.statistics.corrected import people_of
from tasks.statistics.measured import Floats, Measured, difference, measured, part_of

_SHARES = (0.5, 0.125)
"""Guesses of how far a mean is from its bound, as shares of the way to the end of its range."""
_ROUNDING = 1e-12
_BETTER = 0.05
"""Guess of an improvement over the champion, as a share of the largest that there can be."""


class Claim(NamedTuple):
    """The claim that the mean of some values is at least a bound, or at most.

    Attributes:
        rows: in their evaluation's order; without a value where the claim is not about them.
        bound: what the mean is compared with.
        above: True where the mean is said to be at least the bound, False where at most.
        hoped: guesses of how far from the bound the mean is where the claim is true.
        feared: guesses of how far it is where the claim is false.
        strict: True where a mean that is the bound itself does not do.
        difference: True where the values are differences, of one row each.
        ratio: numerator and denominator, where the claim is on the ratio of their means and `rows` are numerator −
            limit · denominator; None else.
        limit: what is shown as the bound: that of the ratio where it is one.
        people: people's labels of the rows, NaN where there is none; None where there are none, or the claim is not on
            the mean of a judge's scores.
    """

    rows: Measured
    bound: float
    above: bool
    hoped: tuple[float, ...]
    feared: tuple[float, ...]
    strict: bool = False
    difference: bool = False
    ratio: tuple[Measured, Measured] | None = None
    limit: float = 0.0
    people: Floats | None = None

    @property
    def shown(self) -> float:
        """What people read as the bound."""
        return self.limit if self.ratio else self.bound

    @property
    def two_valued(self) -> bool:
        """True where every value is one of the ends of its range, or, of a difference, nothing."""
        values = np.abs(self.rows.scored.values) if self.difference else self.rows.scored.values
        low = 0.0 if self.difference else self.rows.low
        return bool(np.all((values == low) | (values == self.rows.high)))

    @property
    def bounded(self) -> bool:
        """True where there are a lowest and a highest value."""
        return bool(np.isfinite(self.rows.low) and np.isfinite(self.rows.high))

    def filled(self, end: float) -> "Claim":
        """Returns the claim with this value for every row that it is about and that has none."""
        missing = self.rows.applies & np.isnan(self.rows.values)
        return self._replace(rows=self.rows._replace(values=np.where(missing, end, self.rows.values)))

    def holds_for(self, mean: float) -> bool:
        """Returns whether a mean that is known exactly fulfils the claim."""
        gain = mean - self.bound if self.above else self.bound - mean
        # A mean of scores such as 0.1 and 0.2 is not to the last digit what it is on paper.
        if abs(gain) <= _ROUNDING * max(abs(self.bound), self._largest):
            return not self.strict
        return gain > 0

    @property
    def _largest(self) -> float:
        """The largest of the values, whatever its sign."""
        return float(np.abs(self.rows.scored.values).max(initial=0.0))


def claim_of(rule: Rule, metrics: Mapping[str, Metric], candidate: Evaluation, champion: Evaluation | None) -> Claim:
    """Returns what a rule claims.

    Args:
        rule: a rule of a gate.
        metrics: the app's metrics by name.
        candidate: evaluation of the candidate.
        champion: that of the champion; only rules against it need one.
    """
    metric, part = metrics[rule.metric], part_of(candidate.rows, rule.slice)
    higher = metric.direction == "higher"
    if rule.against_champion:
        if champion is None:
            raise ValueError(f"{rule}: there is no champion to compare with")
        rows = difference(candidate, champion, metric).only(part)
        if rule.not_worse_than_champion_by is not None:
            return not_worse(rows, rule.not_worse_than_champion_by, higher_is_better=higher)
        return better(rows, rule.better_than_champion_by or 0.0, higher_is_better=higher)
    bound = float((rule.at_least if rule.at_most is None else rule.at_most) or 0.0)
    if metric.ratio is not None:
        above, below = (measured(candidate.rows, candidate.scores, metrics[name]).only(part) for name in metric.ratio)
        return ratio_bounded(above, below, bound, above=rule.at_most is None)
    rows = measured(candidate.rows, candidate.scores, metric).only(part)
    if rule.quantile is not None:
        return quantile_within(rows, rule.quantile, bound, above=rule.at_most is None)
    return bounded(rows, bound, above=rule.at_most is None)._replace(people=people_of(candidate.scores, metric))


def bounded(rows: Measured, bound: float, *, above: bool) -> Claim:
    """Returns the claim that a mean is at least a bound, or at most."""
    return Claim(rows, bound, above, _guesses(rows, bound, up=above), _guesses(rows, bound, up=not above))


def quantile_within(rows: Measured, quantile: float, bound: float, *, above: bool) -> Claim:
    """Returns the claim that a quantile is at least a bound, or at most: that so many of the rows are."""
    within = rows.values >= bound if above else rows.values <= bound
    shares = rows._replace(values=np.where(np.isnan(rows.values), np.nan, within), low=0.0, high=1.0)
    return bounded(shares, 1 - quantile if above else quantile, above=True)


def ratio_bounded(numerator: Measured, denominator: Measured, limit: float, *, above: bool) -> Claim:
    """Returns the claim that the ratio of two means is at least a limit, or at most.

    It is where the mean of numerator − limit · denominator is at least 0, or at most: no ratio has to be estimated.
    """
    rows = numerator._replace(
        values=numerator.values - limit * denominator.values,
        applies=numerator.applies & denominator.applies,
        low=numerator.low - limit * denominator.high,
        high=numerator.high - limit * denominator.low,
    )
    guesses = tuple(share * (limit or 1.0) for share in _SHARES)
    ratio = (numerator, denominator)
    return Claim(rows, 0.0, above, guesses, guesses, difference=True, ratio=ratio, limit=limit)


def not_worse(differences: Measured, margin: float, *, higher_is_better: bool) -> Claim:
    """Returns the claim that a mean difference is worse than nothing by at most a margin."""
    guesses = (margin or _improvement(differences),)
    bound = -margin if higher_is_better else margin
    return Claim(differences, bound, higher_is_better, guesses, guesses, difference=True)


def better(differences: Measured, by: float, *, higher_is_better: bool) -> Claim:
    """Returns the claim that a mean difference is an improvement of at least so much; of any, where that is 0."""
    guesses = (max(by, _improvement(differences)),)
    bound = by if higher_is_better else -by
    return Claim(differences, bound, higher_is_better, guesses, guesses, strict=not by, difference=True)


def _improvement(differences: Measured) -> float:
    return _BETTER * (differences.high if np.isfinite(differences.high) else 1.0)


def _guesses(rows: Measured, bound: float, *, up: bool) -> tuple[float, ...]:
    end = rows.high if up else rows.low
    way = abs(end - bound) if np.isfinite(end) else abs(bound)
    return tuple(share * (way or 1.0) for share in _SHARES)
