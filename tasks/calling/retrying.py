"""Tries a call again where a retry can mend its failure, ever later, and never longer than is sensible."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Generic, NamedTuple, TypeVar

from tasks.calling.failures import CallFailure

T = TypeVar("T")

_FIRST_WAIT_S = 0.5
_LONGEST_WAIT_S = 60.0


class Tried(NamedTuple, Generic[T]):
    """What a call gave, and after how many tries."""

    value: T
    attempts: int


async def with_retries(call: Callable[[], Awaitable[T]], retries: int) -> Tried[T]:
    """Awaits `call()` until it succeeds.

    Waits half a second before the second try and twice as long before each further one, spread at random so that many
    workers do not come back at once; at least as long as the endpoint asked for.

    Args:
        call: one try.
        retries: further tries at most.

    Raises:
        CallFailure: the last try's failure, with `attempts`; at once where no retry can mend it, or where the endpoint
            asks to wait longer than a minute.
    """
    for attempt in range(1, retries + 2):
        try:
            return Tried(await call(), attempt)
        except CallFailure as failure:
            failure.attempts = attempt
            asked = failure.retry_after or 0.0
            if not failure.retryable or attempt > retries or asked > _LONGEST_WAIT_S:
                raise
            spread = random.uniform(0.5, 1.0)  # noqa: S311 nothing secret
            await asyncio.sleep(max(asked, min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2 ** (attempt - 1)) * spread))
    raise AssertionError("unreachable: the last try returns or raises")
