"""Tries a call again where a retry can mend its failure, ever later, and never longer than is sensible."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Generic, NamedTuple, TypeVar

from tasks.calling.failures import CallFailure, FailureKind

T = TypeVar("T")

_FIRST_WAIT_S = 0.5
_LONGEST_WAIT_S = 60.0
_LONGEST_OWN_WAIT_S = 8.0
_REJECTIONS_A_RETRY = 3
"""A call that was turned away as one too many cost nothing: it may come again more often."""


class Tried(NamedTuple, Generic[T]):
    """What a call gave, and after how many tries."""

    value: T
    attempts: int


async def with_retries(
    call: Callable[[], Awaitable[T]], retries: int, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> Tried[T]:
    """Awaits `call()` until it succeeds.

    Waits half a second before the second try and twice as long before each further one, eight seconds at most, spread
    at random so that many workers do not come back at once; at least as long as the endpoint asked for. A call that ran
    into its timeout is tried once more, one that was turned away (429) three times as often as others.

    Args:
        call: one try.
        retries: further tries at most.
        sleep: waits for so many seconds.

    Raises:
        CallFailure: the last try's failure, with `attempts`; at once where no retry can mend it, or where the endpoint
            asks to wait longer than a minute.
    """
    attempt = 0
    while True:
        attempt += 1
        try:
            return Tried(await call(), attempt)
        except CallFailure as failure:
            failure.attempts = attempt
            asked = failure.retry_after or 0.0
            if not failure.retryable or attempt > _further_tries(failure, retries) or asked > _LONGEST_WAIT_S:
                raise
            spread = random.uniform(0.5, 1.0)  # noqa: S311 nothing secret
            await sleep(max(asked, min(_LONGEST_OWN_WAIT_S, _FIRST_WAIT_S * 2 ** (attempt - 1)) * spread))


def _further_tries(failure: CallFailure, retries: int) -> int:
    if failure.kind is FailureKind.RATE_LIMITED:
        return retries * _REJECTIONS_A_RETRY
    return min(retries, 1) if failure.kind is FailureKind.TIMEOUT else retries
