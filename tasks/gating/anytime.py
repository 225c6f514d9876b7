"""Tests a claim on rows that are looked at again and again, as they are drawn: by bets that stay valid throughout."""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tasks.gating.claim import Claim, ratio_bounded
from tasks.statistics.anytime import (
    Design,
    Drawn,
    drawn,
    evidence_above,
    evidence_below,
    highest,
    lowest,
    lowest_possible,
)
from tasks.statistics.asymptotic import LEAST
from tasks.statistics.intervals import Interval
from tasks.statistics.measured import Measured, both_scored

Floats = NDArray[np.float64]

_LEAST = 10
"""Clusters before which no claim is given up."""
_OPTIMISM = 2.0
"""Standard errors by which the mean may still turn out better than it looks, before a claim is given up."""


class AnytimeTest:
    """A claim on rows in the order in which they were drawn.

    Evidence that was once enough stays valid, but is not used against the rows that came after it: nothing is decided
    where all of them together say the opposite.

    Args:
        claim: the claim.
        design: of all the rows that can be drawn.
        error: probability of a wrong answer, for giving up.
    """

    def __init__(self, claim: Claim, design: Design, error: float) -> None:
        self.claim, self._design, self._error = claim, design, error

    def holds(self, error: float) -> bool:
        """Returns whether the claim holds; where it does not, this is ever True with probability `error` at most."""
        if self._known:
            return self.claim.holds_for(self._mean(self._worst))
        return self.claim.holds_for(self._mean(self._rows)) and bool(self._for.max() >= -np.log(error))

    def broken(self, error: float) -> bool:
        """Returns whether the claim is false; where it holds, this is ever True with probability `error` at most."""
        if self._known:
            return not self.claim.holds_for(self._mean(self._best))
        return not self.claim.holds_for(self._mean(self._rows)) and bool(self._against.max() >= -np.log(error))

    @property
    def may_hold(self) -> bool:
        """False where the rows that are left will hardly show that the claim holds."""
        return self._may(1)

    @property
    def may_break(self) -> bool:
        """False where the rows that are left will hardly show that the claim is false."""
        return self._may(-1)

    def rows_needed(self, error: float) -> int | None:
        """Returns about how many rows would settle it if the mean stays what it is; None for no number."""
        del error
        if self._known:
            return None
        more = min(self._bets_needed(side, 0.0) for side in (1, -1))
        if not np.isfinite(more) or more > 1e7:
            return None
        bets = self._rows.totals.size
        if not self.claim.bounded:
            if np.ptp(self._rows.totals - self._bound * self._rows.sizes) == 0 and bets >= LEAST:
                return None
            more = max(more, LEAST - bets)
        return self.claim.rows.n + int(np.ceil(more * self.claim.rows.n / bets))

    def interval(self, error: float) -> Interval:
        """Returns the mean or the ratio, and its interval, each end ever wrong with probability `error` at most."""
        method = "every row asked" if self._known else "betting" if self.claim.bounded else "asymptotic"
        bets = self._rows.totals.size
        note = f", {bets} clusters" if bets < self.claim.rows.n and not self._known else ""
        if self.claim.ratio is not None:
            return self._of_ratio(*self.claim.ratio, error, method + note)
        mean = self._mean(self._rows)
        if self._known:
            low, high = sorted((self._mean(self._worst), self._mean(self._best)))
            return Interval(mean, low, high, method)
        # Each end is where the claim's own evidence ends, with the guesses that decide it.
        # Of a set without bounds, rows that have no value leave the mean unknown even when all were asked.
        design = self._design if self.claim.bounded else self._design._replace(whole=False)
        near = lowest(self._worst, design, self.claim.hoped, error)
        far = highest(self._best, design, self.claim.feared, error)
        low, high = (near, far) if self.claim.above else (0.0 - far, 0.0 - near)
        return Interval(mean, min(low, mean), max(high, mean), method + note)

    def _of_ratio(self, numerator: Measured, denominator: Measured, error: float, method: str) -> Interval:
        """Returns a ratio and the limits that its rows leave possible."""
        above, below = both_scored(numerator, denominator)
        value = float(above.values.sum() / below.values.sum()) if below.values.any() else np.inf
        if self._known or not np.isfinite(value):
            return Interval(value, value if self._known else 0.0, value, method)

        def evidence(limit: float, *, up: bool) -> Floats:
            claim = ratio_bounded(numerator, denominator, limit, above=up)
            test = AnytimeTest(claim, self._design, error)
            return test._for

        low = lowest_possible(lambda limit: evidence(limit, up=True), value, 0.0, error)
        high = -lowest_possible(lambda limit: evidence(-limit, up=False), -value, -np.inf, error)
        return Interval(value, min(low, value), max(high, value), method)

    @cached_property
    def _rows(self) -> Drawn:
        """The rows, turned so that the claim is that their mean is at least the bound."""
        return self._turned(self.claim)

    @cached_property
    def _worst(self) -> Drawn:
        """The same, each row of the set that has no value as bad as can be; of a population they are left out."""
        return self._turned(self.claim.filled(self.claim.rows.low if self.claim.above else self.claim.rows.high))

    @cached_property
    def _best(self) -> Drawn:
        """The same, each row of the set that has no value as good as can be."""
        return self._turned(self.claim.filled(self.claim.rows.high if self.claim.above else self.claim.rows.low))

    def _turned(self, claim: Claim) -> Drawn:
        rows = (claim if self.claim.bounded else self.claim).rows if self._design.whole else self.claim.rows.scored
        found = drawn(rows.values, rows.clusters, rows.low, rows.high)
        return found if claim.above else found.mirrored

    def _mean(self, rows: Drawn) -> float:
        return rows.mean if self.claim.above else 0.0 - rows.mean

    @property
    def _bound(self) -> float:
        return self.claim.bound if self.claim.above else -self.claim.bound

    @cached_property
    def _for(self) -> Floats:
        strict = self.claim.strict
        return evidence_above(self._worst, self._bound, self._design, self.claim.hoped, strict=strict)

    @cached_property
    def _against(self) -> Floats:
        strict = not self.claim.strict
        return evidence_below(self._best, self._bound, self._design, self.claim.feared, strict=strict)

    @property
    def _known(self) -> bool:
        """True where these rows are all that the claim is about."""
        everything = self._design.whole and self.claim.rows.values.size == self._design.rows
        return everything and (self.claim.bounded or self.claim.rows.coverage == 1)

    def _may(self, side: int) -> bool:
        left = self._design.clusters - self._rows.totals.size
        # Of a set the last row may settle what all before it could not.
        if self._design.whole or self._rows.totals.size < _LEAST:
            return left > 0
        return self._bets_needed(side, _OPTIMISM) <= left

    def _bets_needed(self, side: int, optimism: float) -> float:
        """Returns how many more clusters it takes to show that the claim holds (1) or that it is false (-1)."""
        rows, bound = (self._rows, self._bound) if side > 0 else (self._rows.mirrored, -self._bound)
        evidence = float((self._for if side > 0 else self._against)[-1])
        gains = rows.totals - bound * rows.sizes
        # Gains that are all alike so far may be of one kind in n: they are no proof that others are not.
        reach = (rows.high - rows.low) * self._design.largest if self.claim.bounded else 0.0
        variance = float(gains.var()) + (reach**2 / (gains.size + 2) if optimism else 0.0)
        mean = float(gains.mean()) + optimism * np.sqrt(variance / gains.size)
        if evidence == np.inf:
            return 0.0
        if mean <= 0:
            return np.inf
        squares = variance + mean**2
        most = 1 / ((bound - rows.low) * self._design.largest) if np.isfinite(rows.low) else np.inf
        bet = min(mean / squares, most)
        return float(max(0.0, -np.log(self._error) - evidence) / (bet * mean - bet**2 * squares / 2))
