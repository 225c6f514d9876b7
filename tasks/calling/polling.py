"""Waiting for what takes minutes to a day at an endpoint: looking again and again, ever more seldom."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import NamedTuple, TypeVar

from tasks.calling.failures import CallFailure

T = TypeVar("T")

MOST_FAILURES = 30
"""In a row, while waiting for what is at the endpoint: about half an hour."""


class Polling(NamedTuple):
    """How long to wait between two looks: ever longer, for a batch may take a minute or a day."""

    first_s: float = 1.0
    longest_s: float = 60.0

    def waits(self) -> Iterator[float]:
        """Yields the seconds to wait, without end."""
        wait_s = self.first_s
        while True:
            yield wait_s
            wait_s = min(self.longest_s, wait_s * 1.5)


async def patiently(
    look: Callable[[], Awaitable[T | None]], polling: Polling, end: Callable[[], str] = lambda: ""
) -> T | None:
    """Looks until something is seen, through stretches of failures that may pass.

    Args:
        look: returns what is waited for, None while it is not there.
        polling: how long to wait between two looks.
        end: says why to wait no longer, "" while there is time.

    Returns:
        What was seen; None where `end` came first.

    Raises:
        CallFailure: it cannot be looked at, for so long that nobody would wait for it. It stays where it is.
    """
    failed = 0
    for wait_s in polling.waits():
        pause_s = wait_s
        try:
            found = await look()
            failed = 0
            if found is not None:
                return found
        except CallFailure as failure:
            failed += 1
            if not failure.kind.passes or failed > MOST_FAILURES:
                raise
            pause_s = max(wait_s, failure.retry_after or 0.0)
        if end():
            return None
        await asyncio.sleep(pause_s)
    raise AssertionError("unreachable: the waits have no end")
