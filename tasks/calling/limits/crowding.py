"""Whether calls wait at an endpoint: their latency now, over that where nobody waited."""

from dataclasses import dataclass

_REMEMBERED = 1000
"""Calls whose mean latency is remembered; what is older fades."""
_SURE = 2.0
"""Standard errors beyond which a difference is no chance."""


@dataclass
class Latencies:
    """Latencies of some calls, in seconds."""

    calls: int = 0
    total: float = 0.0
    squares: float = 0.0

    def add(self, latency_s: float) -> None:
        """Adds a call."""
        self.calls += 1
        self.total += latency_s
        self.squares += latency_s**2

    @property
    def mean(self) -> float:
        """Seconds; 0 without a call."""
        return self.total / self.calls if self.calls else 0.0

    @property
    def variance(self) -> float:
        """Square seconds."""
        return max(0.0, self.squares / self.calls - self.mean**2) if self.calls else 0.0


class Crowding:
    """Remembers the latency of an endpoint that nobody waits at."""

    def __init__(self) -> None:
        self._mean: float | None = None
        self._calls = 0

    @property
    def at_rest_s(self) -> float:
        """Seconds of a call where nobody waits; 0 where that is not known yet."""
        return self._mean or 0.0

    def of(self, latencies: Latencies, noticed: float) -> float:
        """Returns by which factor calls take longer than where nobody waits; 1 where that may be chance.

        Args:
            latencies: of one call at least.
            noticed: factor below which a difference counts as none.
        """
        if self._mean is None:
            return self._remember(latencies)
        error = (latencies.variance * (1 / latencies.calls + 1 / self._calls)) ** 0.5
        if latencies.mean < self._mean - _SURE * error:
            return self._remember(latencies)
        if latencies.mean > self._mean + _SURE * error and latencies.mean > self._mean * noticed:
            return latencies.mean / self._mean
        calls = self._calls + latencies.calls
        self._mean += (latencies.mean - self._mean) * latencies.calls / calls
        self._calls = min(calls, _REMEMBERED)
        return 1.0

    def _remember(self, latencies: Latencies) -> float:
        self._mean, self._calls = latencies.mean, latencies.calls
        return 1.0
