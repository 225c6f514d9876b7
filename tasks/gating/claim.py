"""A rule as a claim on a mean: every kind of rule, over the rows that it is about, in one form."""

from typing import NamedTuple

import numpy as np

from configs.schema.gate import Rule
from tasks.results.evaluation import Evaluation
from tasks.scoring.score import Metric
from tasks.statistics.measured import Measured, difference, measured, part_of

_SHARES = (0.5, 0.125)
"""Guesses of how far a mean is from its bound, as shares of the way to the end of its range."""
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
    """

    rows: Measured
    bound: float
    above: bool
    hoped: tuple[float, ...]
    feared: tuple[float, ...]
    strict: bool = False

    def holds_for(self, mean: float) -> bool:
        """Returns whether a mean that is known exactly fulfils the claim."""
        gain = mean - self.bound if self.above else self.bound - mean
        return gain > 0 or (gain == 0 and not self.strict)


def claim_of(rule: Rule, metric: Metric, candidate: Evaluation, champion: Evaluation | None) -> Claim:
    """Returns what a rule claims.

    A quantile is at most a number where at least that share of the rows are; so such a rule is a claim on a share.

    Args:
        rule: a rule of a gate.
        metric: the metric that it names.
        candidate: evaluation of the candidate.
        champion: that of the champion; only rules against it need one.
    """
    if rule.against_champion:
        if champion is None:
            raise ValueError(f"{rule}: there is no champion to compare with")
        return _against(rule, metric, difference(candidate, champion, metric).only(part_of(candidate.rows, rule.slice)))
    rows = measured(candidate.rows, candidate.scores, metric).only(part_of(candidate.rows, rule.slice))
    bound = float((rule.at_least if rule.at_most is None else rule.at_most) or 0.0)
    above = rule.at_most is None
    if rule.quantile is not None:
        within = rows.values >= bound if above else rows.values <= bound
        share = 1 - rule.quantile if above else rule.quantile
        rows = rows._replace(values=np.where(np.isnan(rows.values), np.nan, within), low=0.0, high=1.0)
        bound, above = share, True
    return Claim(rows, bound, above, _guesses(rows, bound, up=above), _guesses(rows, bound, up=not above))


def _against(rule: Rule, metric: Metric, rows: Measured) -> Claim:
    above = metric.direction == "higher"
    improvement = (rows.high if np.isfinite(rows.high) else 1.0) * _BETTER
    if rule.not_worse_than_champion_by is not None:
        margin = rule.not_worse_than_champion_by
        guesses = (margin or improvement,)
        return Claim(rows, -margin if above else margin, above, guesses, guesses)
    wanted = rule.better_than_champion_by or 0.0
    guesses = (max(wanted, improvement),)
    return Claim(rows, wanted if above else -wanted, above, guesses, guesses, strict=not wanted)


def _guesses(rows: Measured, bound: float, *, up: bool) -> tuple[float, ...]:
    end = rows.high if up else rows.low
    way = abs(end - bound) if np.isfinite(end) else abs(bound)
    return tuple(share * (way or 1.0) for share in _SHARES)
