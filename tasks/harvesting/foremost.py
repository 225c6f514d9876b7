"""The foremost of many, of which only so many are ever held in memory."""

import heapq
from typing import NamedTuple


class _Entry(NamedTuple):
    weight: float
    before: float
    request: str
    detail: str


class Foremost:
    """Keeps the requests of the largest weights; of equal ones those whose place by chance is smaller.

    Args:
        limit: requests that are kept.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._heap: list[_Entry] = []
        self.count = 0
        """Requests that were shown to it."""

    def add(self, request: str, place: float, weight: float = 0.0, detail: str = "") -> None:
        """Shows it a request."""
        self.count += 1
        entry = _Entry(weight, -place, request, detail)
        if len(self._heap) < self._limit:
            heapq.heappush(self._heap, entry)
        elif self._limit:
            heapq.heappushpop(self._heap, entry)

    def first(self, count: int) -> list[tuple[str, str]]:
        """Returns the foremost requests, the first first, each with its detail."""
        return [(entry.request, entry.detail) for entry in sorted(self._heap, reverse=True)[:count]]
