"""Limits of requests and tokens a minute, and OpenAI's headers about them.

Source: https://platform.openai.com/docs/guides/rate-limits, "Rate limits in headers".
"""

import math
import time
from collections.abc import Callable

from infra.simulator.behaviour import Behaviour


class Bucket:
    """A token bucket: it holds at most `capacity` units and is filled again evenly."""

    def __init__(self, per_minute: float, capacity: float, clock: Callable[[], float]) -> None:
        self.per_minute = per_minute
        self._capacity = capacity
        self._level = capacity
        self._clock = clock
        self._filled = clock()

    def level(self) -> float:
        """Returns the units that it holds now."""
        now = self._clock()
        self._level = min(self._capacity, self._level + (now - self._filled) * self.per_minute / 60)
        self._filled = now
        return self._level

    def take(self, units: float) -> None:
        """Takes units out, which it must hold."""
        self._level -= units

    def wait_s(self, units: float) -> float:
        """Returns the seconds until it holds so many units; until it is full where it never does."""
        return max(0.0, (min(units, self._capacity) - self.level()) * 60 / self.per_minute)

    def full_in_s(self) -> float:
        """Returns the seconds until it is full."""
        return self.wait_s(self._capacity)


class Limits:
    """Admits requests as the limits of a behaviour allow."""

    def __init__(self, behaviour: Behaviour, clock: Callable[[], float] = time.monotonic) -> None:
        burst, requests, tokens = behaviour.burst, behaviour.requests_per_minute, behaviour.tokens_per_minute
        minutes = burst / requests if burst and requests else 1.0
        # A bucket that never holds one whole request would admit none.
        self._requests = None if requests is None else Bucket(requests, max(1.0, requests * minutes), clock)
        self._tokens = None if tokens is None else Bucket(tokens, tokens * minutes, clock)
        self._with_headers = behaviour.rate_limit_headers

    def admit(self, tokens: int) -> float | None:
        """Admits one request of so many tokens; else returns the seconds to wait, and nothing is taken."""
        costs = [(self._requests, 1), (self._tokens, tokens)]
        limited = [(bucket, cost) for bucket, cost in costs if bucket is not None]
        if any(bucket.level() < cost for bucket, cost in limited):
            return max(bucket.wait_s(cost) for bucket, cost in limited)
        for bucket, cost in limited:
            bucket.take(cost)
        return None

    def headers(self, wait_s: float | None = None) -> dict[str, str]:
        """Returns the headers of a reply; empty where the behaviour shows none.

        Args:
            wait_s: what a rejected request is asked to wait; None where nothing is asked.
        """
        if not self._with_headers:
            return {}
        found = {}
        for name, bucket in (("requests", self._requests), ("tokens", self._tokens)):
            if bucket is not None:
                found[f"x-ratelimit-limit-{name}"] = f"{bucket.per_minute:.0f}"
                found[f"x-ratelimit-remaining-{name}"] = str(math.floor(bucket.level()))
                found[f"x-ratelimit-reset-{name}"] = duration(bucket.full_in_s())
        if wait_s is not None:
            found["retry-after"] = str(max(1, math.ceil(wait_s)))
            found["retry-after-ms"] = str(math.ceil(wait_s * 1000))
        return found


def duration(seconds: float) -> str:
    """Writes a duration as OpenAI's headers do, rounded up to a millisecond: `20ms`, `1s`, `8.64s`, `6m0s`."""
    milliseconds = math.ceil(round(seconds * 1000, 6))
    if 0 < milliseconds < 1000:
        return f"{milliseconds}ms"
    minutes, milliseconds = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    text = f"{milliseconds / 1000:.3f}".rstrip("0").rstrip(".") + "s"
    if not hours and not minutes:
        return text
    return f"{hours}h{minutes}m{text}" if hours else f"{minutes}m{text}"
