"""What tests have in common whose rows are looked at once: an interval decides, and there is no further look."""

from abc import ABC, abstractmethod

from tasks.gating.claim import Claim
from tasks.statistics.intervals import Interval


class LookedAtOnce(ABC):
    """A claim on rows that are looked at once.

    Args:
        claim: the claim.
    """

    may_hold = False
    """Whether rows that are not asked yet may show that the claim holds: there are none."""
    may_break = False
    """Whether they may show that it is false."""

    def __init__(self, claim: Claim) -> None:
        self.claim = claim

    def holds(self, error: float) -> bool:
        """Returns whether the claim holds; where it does not, this is True with probability `error` at most."""
        mean = self.of_rows(error)
        return self.claim.holds_for(mean.low if self.claim.above else mean.high)

    def broken(self, error: float) -> bool:
        """Returns whether the claim is false; where it holds, this is True with probability `error` at most."""
        mean = self.of_rows(error)
        return not self.claim.holds_for(mean.high if self.claim.above else mean.low)

    def rows_needed(self, error: float) -> int | None:
        """Returns how many rows would settle it if the mean stays what it is; None for no number."""
        del error
        return None

    def interval(self, error: float) -> Interval:
        """Returns what is shown, each end wrong with probability `error` at most."""
        return self.of_rows(error)

    @abstractmethod
    def of_rows(self, error: float) -> Interval:
        """Returns the mean of the claim's rows, and its interval, each end wrong with probability `error` at most."""
