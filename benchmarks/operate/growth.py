"""By how much a quantity grew while it was watched."""

from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

from scipy.stats import theilslopes

_WARM_SHARE = 0.2
_LEAST = 5


class Growth(NamedTuple):
    """Growth as a share of the median, and its 95 % interval."""

    share: float
    low: float
    high: float

    @property
    def told(self) -> str:
        """The interval as people read it."""
        return f"95 % interval {self.low:+.1%} to {self.high:+.1%}"


def growth(values: Sequence[float]) -> Growth | None:
    """Returns by how much values in equal steps of time grew, from a fifth of the way on, in which caches fill.

    The line through them is Theil and Sen's, whose slope is the median of the slopes between all pairs: a minute in
    which the machine was busy with something else does not tilt it. None where fewer than five values are left.
    """
    counted = values[int(_WARM_SHARE * len(values)) :]
    if len(counted) < _LEAST:
        return None
    found = theilslopes(counted)
    steps, middle = len(counted) - 1, median(counted)
    return Growth(*(float(slope) * steps / middle for slope in (found.slope, found.low_slope, found.high_slope)))
