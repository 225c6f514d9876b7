"""What is left to each key: requests and tokens of this minute, and the price of this day."""

import asyncio
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime

from tasks.serving.keys import Key, KeyLimits
from tasks.serving.protocol import ProtocolError

_DAY_S = 86_400


class _Bucket:
    """So much a minute; what was not used of it stays, up to a minute's worth."""

    def __init__(self, a_minute: float, now: float) -> None:
        self._rate, self._most = a_minute / 60, a_minute
        self._left, self._at = a_minute, now

    def wait(self, now: float, needed: float) -> float:
        """Returns the seconds until so much is there."""
        self._left = min(self._most, self._left + (now - self._at) * self._rate)
        self._at = now
        return max(0.0, (needed - self._left) / self._rate)

    def take(self, used: float) -> None:
        self._left -= used


@dataclass
class _Use:
    """What a key has used."""

    limits: KeyLimits
    requests: _Bucket | None
    tokens: _Bucket | None
    day: date
    spent: float


class Quota:
    """The limits of all keys.

    Args:
        spent: returns what a key has spent since a moment, in US dollars, from what was recorded: a restart forgives
            nothing, a kill what was not on the disk yet.
        clock: seconds.
        today: the day, in UTC.
    """

    def __init__(
        self,
        spent: Callable[[str, datetime], float],
        clock: Callable[[], float] = time.monotonic,
        today: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._spent, self._clock, self._today = spent, clock, today
        self._uses: dict[str, _Use] = {}

    async def begin(self, key: Key) -> None:
        """Counts one request of a key.

        Raises:
            ProtocolError: 429; names the limit and says when to come back.
            RecordError: what it has spent before cannot be read.
        """
        use, now = await self._use(key), self._clock()
        limits = key.limits
        if limits.price_per_day is not None and use.spent >= limits.price_per_day:
            midnight = _DAY_S - (self._today().timestamp() % _DAY_S)
            spent = f"key {key.name}: ${limits.price_per_day:g} a day are spent"
            raise _refused(spent, "insufficient_quota", midnight)
        if use.requests is not None and (wait := use.requests.wait(now, 1)):
            raise _refused(
                f"key {key.name}: {limits.requests_per_minute} requests a minute", "rate_limit_exceeded", wait
            )
        if use.tokens is not None and (wait := use.tokens.wait(now, 1)):
            raise _refused(f"key {key.name}: {limits.tokens_per_minute} tokens a minute", "rate_limit_exceeded", wait)
        if use.requests is not None:
            use.requests.take(1)

    def used(self, key: Key, tokens: int, price: float) -> None:
        """Notes what an answer to a key's request took."""
        use = self._uses[key.hash]
        use.spent += price
        if use.tokens is not None:
            use.tokens.take(tokens)

    async def _use(self, key: Key) -> _Use:
        use, today = self._uses.get(key.hash), self._today().date()
        if use is None or use.limits != key.limits:
            made, use = await self._new(key), self._uses.get(key.hash)
            if use is None or use.limits != key.limits:  # else another request of the key has brought it meanwhile
                if use is not None and use.day == made.day:
                    made.spent = max(made.spent, use.spent)  # some of it may wait to be recorded
                use = self._uses[key.hash] = made
        if use.day != today:
            use.day, use.spent = today, 0.0
        return use

    async def _new(self, key: Key) -> _Use:
        now, limits = self._clock(), key.limits
        midnight = datetime.combine(self._today().date(), datetime.min.time(), UTC)
        priced = limits.price_per_day is not None
        spent = await asyncio.to_thread(self._spent, key.id, midnight) if priced else 0.0
        requests, tokens = limits.requests_per_minute, limits.tokens_per_minute
        return _Use(
            limits,
            _Bucket(requests, now) if requests else None,
            _Bucket(tokens, now) if tokens else None,
            self._today().date(),
            spent,
        )


def _refused(message: str, code: str, wait_s: float) -> ProtocolError:
    seconds = max(1, math.ceil(wait_s))
    return ProtocolError(429, f"{message}; try again in {seconds} s", code, headers={"retry-after": str(seconds)})
