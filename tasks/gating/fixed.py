"""Tests a claim on rows that are looked at once, when all are asked: by intervals for a fixed number of rows."""

from typing import NamedTuple

import numpy as np
from scipy.special import ndtri

from tasks.gating.claim import Claim, ratio_bounded
from tasks.statistics.anytime import lowest_possible
from tasks.statistics.intervals import Floats, Interval, difference_interval, mean_interval
from tasks.statistics.measured import both_scored


class FixedTest(NamedTuple):
    """A claim on rows that are looked at once."""

    claim: Claim

    @property
    def may_hold(self) -> bool:
        """False: there is no further look."""
        return False

    @property
    def may_break(self) -> bool:
        """False: there is no further look."""
        return False

    def holds(self, error: float) -> bool:
        """Returns whether the claim holds; where it does not, this is True with probability `error` at most."""
        interval = self._of_rows(error)
        return self.claim.holds_for(interval.low if self.claim.above else interval.high)

    def broken(self, error: float) -> bool:
        """Returns whether the claim is false; where it holds, this is True with probability `error` at most."""
        interval = self._of_rows(error)
        return not self.claim.holds_for(interval.high if self.claim.above else interval.low)

    def rows_needed(self, error: float) -> int | None:
        """Returns how many rows would settle it in nine cases of ten if the mean stays what it is; None for no number.

        Half the interval is a quantile times the standard error, which shrinks with the root of the number of rows.
        """
        interval = self._of_rows(error)
        distance = abs(interval.value - self.claim.bound)
        reach = max(interval.value - interval.low, interval.high - interval.value)
        if distance == 0 or not np.isfinite(reach):
            return None
        quantile = -float(ndtri(error))
        wanted = reach / quantile * (quantile + float(ndtri(0.9)))
        return int(np.ceil(self.claim.rows.n * (wanted / distance) ** 2))

    def interval(self, error: float) -> Interval:
        """Returns the mean or the ratio, and its interval, each end wrong with probability `error` at most."""
        if self.claim.ratio is None:
            return self._of_rows(error)
        numerator, denominator = self.claim.ratio
        above, below = both_scored(numerator, denominator)
        if not below.values.any():
            return Interval(np.inf, 0.0, np.inf, "fieller")
        value = float(above.values.sum() / below.values.sum())

        def refuted(limit: float, *, up: bool) -> Floats:
            test = FixedTest(ratio_bounded(numerator, denominator, limit, above=up))
            return np.array([np.inf if test.holds(error) else 0.0])

        low = lowest_possible(lambda limit: refuted(limit, up=True), value, 0.0, 0.5)
        high = -lowest_possible(lambda limit: refuted(-limit, up=False), -value, -np.inf, 0.5)
        return Interval(value, low, high, "fieller")

    def _of_rows(self, error: float) -> Interval:
        rows, confidence = self.claim.rows.scored, 1 - 2 * error
        high = rows.high if np.isfinite(rows.high) else None
        if self.claim.difference:
            return difference_interval(rows.values, rows.clusters, confidence, high, exact=True)
        return mean_interval(rows.values, rows.clusters, confidence, rows.low, high, exact=True)
