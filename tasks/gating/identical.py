"""Tests a claim on a candidate beside itself: there is no difference, and no doubt of it."""

from typing import NamedTuple

from tasks.gating.claim import Claim
from tasks.statistics.intervals import Interval


class IdenticalTest(NamedTuple):
    """A claim on differences that are all nothing."""

    claim: Claim

    @property
    def may_hold(self) -> bool:
        """False: no further look tells more."""
        return False

    @property
    def may_break(self) -> bool:
        """False: no further look tells more."""
        return False

    def holds(self, error: float) -> bool:
        """Returns whether the claim holds of no difference."""
        del error
        return self.claim.holds_for(0.0)

    def broken(self, error: float) -> bool:
        """Returns whether it does not."""
        return not self.holds(error)

    def rows_needed(self, error: float) -> int | None:
        """Returns None: it is settled."""
        del error
        return None

    def interval(self, error: float) -> Interval:
        """Returns nothing, certainly."""
        del error
        return Interval(0.0, 0.0, 0.0, "identical")
