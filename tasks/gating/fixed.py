"""Tests a claim on rows that are looked at once, when all are asked: by intervals for a fixed number of rows."""

from functools import cached_property

import numpy as np
from scipy.special import ndtri

from tasks.gating.claim import ratio_bounded
from tasks.gating.looked_at_once import LookedAtOnce
from tasks.statistics.anytime import lowest_possible
from tasks.statistics.asymptotic import LEAST
from tasks.statistics.intervals import Floats, Interval, difference_interval, mean_interval
from tasks.statistics.measured import both_scored


class FixedTest(LookedAtOnce):
    """A claim on a mean or a ratio, tested by its interval.

    Of fewer than 30 times or prices it says nothing, as `AnytimeTest` does: two that happen to be alike would make a
    certainty. Log-normal times of 3 to 10 rows passed wrongly in 13 to 20 % at the bound.
    """

    def rows_needed(self, error: float) -> int | None:
        """Returns how many rows would settle it in nine cases of ten if the mean stays what it is; None for no number.

        Half the interval is a quantile times the standard error, which shrinks with the root of the number of rows.
        """
        if self._too_few:
            return int(np.ceil(self.claim.rows.n * LEAST / self._count))
        interval = self.of_rows(error)
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
            return self.of_rows(error)
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

    def of_rows(self, error: float) -> Interval:
        """Returns the mean of the claim's rows, and its interval."""
        rows, confidence = self.claim.rows.scored, 1 - 2 * error
        if self._too_few:
            what = "rows" if self._count == rows.n else "clusters"
            return Interval(float(rows.values.mean()), rows.low, rows.high, f"t, {self._count} {what} are too few")
        high = rows.high if np.isfinite(rows.high) else None
        if self.claim.difference:
            return difference_interval(rows.values, rows.clusters, confidence, high, exact=True)
        return mean_interval(rows.values, rows.clusters, confidence, rows.low, high, exact=True)

    @cached_property
    def _count(self) -> int:
        """Clusters that have a value."""
        return int(np.unique(self.claim.rows.scored.clusters).size)

    @property
    def _too_few(self) -> bool:
        return not self.claim.bounded and self._count < LEAST
