"""How many calls a second an endpoint lets through, told by what it took between two calls that it turned away.

A limit on the rate turns a call away when what it had saved up is used up. So between two such moments it has taken
exactly what came in anew, whatever its burst: the longer apart they are, the nearer their mean is to the limit.
"""

from collections import deque
from typing import NamedTuple

_ENOUGH = 60
"""Calls taken after which what an endpoint had left at either end counts for little: one call in sixty."""
_TOO_FEW = 12


class _Mark(NamedTuple):
    at: float
    taken: float


class Refill:
    """The rate at which an endpoint takes calls while as many come as it takes."""

    def __init__(self) -> None:
        self._taken = 0.0
        self._marks: deque[_Mark] = deque()

    def started(self, calls: float) -> None:
        """Counts calls that were sent: as taken, until it is known that they were not."""
        self._taken += calls

    def rejected(self, now: float, calls: float) -> None:
        """Takes back calls that were turned away, and marks the moment as one at which nothing was left."""
        self._taken -= calls
        if len(self._marks) > 1 and self._marks[-1].taken == self._taken:
            self._marks.pop()  # nothing was taken since: only the time has gone on
        self._marks.append(_Mark(now, self._taken))
        while len(self._marks) > 2 and self._taken - self._marks[1].taken >= _ENOUGH:
            self._marks.popleft()

    def forget(self) -> None:
        """Forgets all moments: for a while fewer calls came than are taken."""
        self._marks.clear()

    @property
    def rate(self) -> float | None:
        """Calls a second; None where too few were taken since the first moment to tell."""
        if not self._marks:
            return None
        first, last = self._marks[0], self._marks[-1]
        if last.taken - first.taken < _TOO_FEW or last.at <= first.at:
            return None
        return (last.taken - first.taken) / (last.at - first.at)
