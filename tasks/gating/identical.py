"""Tests a claim on a candidate beside itself: there is no difference, and no doubt of it."""

from tasks.gating.looked_at_once import LookedAtOnce
from tasks.statistics.intervals import Interval


class IdenticalTest(LookedAtOnce):
    """A claim on differences that are all nothing."""

    def of_rows(self, error: float) -> Interval:
        """Returns nothing, certainly."""
        del error
        return Interval(0.0, 0.0, 0.0, "identical")
