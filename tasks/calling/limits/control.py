"""How many calls of an endpoint may be in flight, and how many may start a second, found from what becomes of them.

Two ways to be too many. An endpoint that lets calls wait answers later: Little's law then tells how many it really
works on (as in TCP Vegas, Brakmo 1994). An endpoint that turns calls away says 429. Where fewer calls than it took are
turned away less often, the load is to blame: its `Refill` is the pace that is held, and tried again from below. Where
they are turned away as often as before, as some endpoints do at random, going slower is no help and is undone.

Pure arithmetic over times and counts: no clock, no event loop.
"""

from dataclasses import dataclass, field
from typing import Literal

from tasks.calling.limits.crowding import Crowding, Latencies
from tasks.calling.limits.refill import Refill

_FIRST = 4
"""Calls in flight at first, where the limit is to be found: what a small server of one's own answers at once."""
_LEAST_CALLS = 8
"""Calls of a window at least; at a larger concurrency, as many as are in flight."""
_AT_REST, _CROWDED = 1.15, 1.3
"""Latency over that where nobody waits: up to the first there is room, from the second on too many wait."""
_FEW = 32
"""Calls of a window below which what is seen once may be chance."""
_CERTAIN = 16
"""Rejected calls that are no chance, however few the others are."""
_HARMLESS = 0.03
"""Share of rejected calls that costs less than finding out why."""
_BEARABLE = 0.2
"""Share of rejected calls that is borne while the calls at once still double: it soon is more, where that is why."""
_EVIDENCE = 10.0
"""Rejected calls that a test at less load would have to show, were the load not to blame."""
_LEAST_EVIDENCE = 20
"""Calls of such a test at least."""
_SLOWER = 0.75
"""Load of such a test over what was taken before."""
_BELOW = 0.98
"""Pace that is held over the one that was found: what is saved up at it pays for trying more."""
_LONGEST_BLIND_S = 1.0
"""Seconds after which a window is judged in which every call was turned away."""
_FIRST_HOLD_S = 0.1
"""Seconds for which a rejected call keeps its slot while no call has been answered yet."""
_NOT_BY_CHANCE = 0.9
"""Share of rejected calls above which an endpoint takes nothing, instead of choosing at random."""
_EAGER = 34
"""Windows without a rejected call that count as seen when a pace begins: it is not known well, and soon tried."""
_LESS = 0.9
"""Calls taken over those taken before, at a slower pace: where they are fewer than that, the pace may not be why."""


@dataclass
class _Window:
    since: float
    latencies: Latencies = field(default_factory=Latencies)
    rejected: int = 0
    peak: int = 1
    slots_full: bool = False
    paced: bool = False

    @property
    def calls(self) -> int:
        return self.latencies.calls + self.rejected

    @property
    def share_rejected(self) -> float:
        return self.rejected / self.calls


@dataclass(frozen=True)
class _Test:
    """What there was before less load was tried."""

    taken_rate: float
    share_rejected: float


@dataclass
class Control:
    """The limits of one endpoint, as they are known now.

    Args:
        most: calls in flight at most.
        found: True where the limit is to be found from below; False where `most` is what the endpoint is known to take.
        rate_at_most: calls a second at most; None where no pace is known.

    Attributes:
        limit: calls that may be in flight.
        rate: calls that may start a second; None where no pace holds them.
    """

    most: int
    found: bool = True
    rate_at_most: float | None = None
    limit: float = field(init=False)
    rate: float | None = field(init=False)
    _state: Literal["free", "testing", "limited"] = field(default="free", init=False, repr=False)
    _window: _Window | None = field(default=None, init=False, repr=False)
    _test: _Test | None = field(default=None, init=False, repr=False)
    _crowding: Crowding = field(default_factory=Crowding, init=False, repr=False)
    _refill: Refill = field(default_factory=Refill, init=False, repr=False)
    _doubling: bool = field(default=True, init=False, repr=False)
    _noticed: bool = field(default=False, init=False, repr=False)
    _usual: float = field(default=0.0, init=False, repr=False)
    _recent: float = field(default=0.0, init=False, repr=False)
    _held: float = field(default=0.0, init=False, repr=False)
    _cuts: int = field(default=0, init=False, repr=False)
    _clean: int = field(default=0, init=False, repr=False)
    _changed: float = field(default=float("-inf"), init=False, repr=False)
    _settled: float = field(default=float("-inf"), init=False, repr=False)

    def __post_init__(self) -> None:
        self.limit = float(min(_FIRST, self.most) if self.found else self.most)
        self.rate = self.rate_at_most

    def started(self, standing_for: float = 1.0) -> None:
        """Counts a call that was sent.

        Args:
            standing_for: calls of all processes for each of this one's.
        """
        self._refill.started(standing_for)

    def accepted(self, now: float, latency_s: float, in_flight: int, *, slots_full: bool, paced: bool) -> None:
        """Counts a call that was answered.

        Args:
            now: seconds on any clock that only goes forward.
            latency_s: seconds it took.
            in_flight: calls in flight when it ended, itself included.
            slots_full: whether a further call is waiting for a slot.
            paced: whether a further call is waiting for the pace.
        """
        self._recent *= 0.99
        if now < self._settled or now - latency_s < self._changed:
            # It began under another limit, of which it tells.
            return
        window = self._counted(now, in_flight)
        window.latencies.add(latency_s)
        window.slots_full |= slots_full
        window.paced |= paced
        self._look(window, now)

    def rejected(self, now: float, in_flight: int, standing_for: float = 1.0) -> None:
        """Counts a call that was turned away as one too many."""
        self._refill.rejected(now, standing_for)
        self._recent = self._recent * 0.99 + 0.01
        if now < self._settled:
            return
        window = self._counted(now, in_flight)
        window.rejected += 1
        self._look(window, now)

    @property
    def hold_s(self) -> float:
        """Seconds for which a rejected call keeps its slot, so that a limit is not run against in between."""
        call_s = self._crowding.at_rest_s or _FIRST_HOLD_S
        return call_s / 10 if self._state == "free" and self._usual else call_s

    def _counted(self, now: float, in_flight: int) -> _Window:
        if self._window is None:
            self._window = _Window(now)
        self._window.peak = max(self._window.peak, in_flight)
        return self._window

    def _look(self, window: _Window, now: float) -> None:
        """Decides where a window has enough calls to decide."""
        lasted = now - window.since
        if window.calls < self._wanted(window) or lasted < (window.latencies.mean or _LONGEST_BLIND_S):
            return
        self._window = None
        limit, rate, state = int(self.limit), self.rate, self._state
        if self._test is not None:
            self._judge(window, self._test, lasted)
        elif self._state == "limited" and window.rejected:
            self._cut(window)
        elif self._state == "free" and self._too_many(window):
            taken_rate = max(window.latencies.calls, 1) / lasted
            self._try_slower(min(taken_rate, self._refill.rate or taken_rate), window.share_rejected)
        else:
            if self._usual:
                self._usual += 0.1 * (window.share_rejected - self._usual)
            self._grow(window)
        slower = rate is not None and rate > (self.rate or rate)
        if (limit != int(self.limit) and not self._doubling) or state != self._state or slower:
            # While it doubles, calls that began before tell too little of the crowd: it doubles once too often at most.
            self._changed, self._settled = now, now + window.latencies.mean

    def _wanted(self, window: _Window) -> int:
        if self._state == "limited" and window.rejected:
            return 1
        if self._test is not None:
            return max(_LEAST_EVIDENCE, round(_EVIDENCE / self._test.share_rejected))
        if window.rejected and window.rejected < _CERTAIN:
            return max(_FEW, window.peak)
        return window.peak if self._doubling else max(_LEAST_CALLS, window.peak)

    def _too_many(self, window: _Window) -> bool:
        noise = 3 * (self._usual * (1 - self._usual) / window.calls) ** 0.5
        borne = self._usual + max(_HARMLESS, noise)
        if self._doubling and self.limit < self.most:
            borne = max(borne, _BEARABLE)
        return window.rejected > 2 and window.share_rejected > borne

    def _try_slower(self, taken_rate: float, share_rejected: float) -> None:
        self._test = _Test(taken_rate, share_rejected)
        self.rate = taken_rate * _SLOWER
        self._state = "testing"

    def _judge(self, window: _Window, test: _Test, lasted: float) -> None:
        self._test = None
        share = test.share_rejected
        more = window.share_rejected > share + (share * (1 - share) / window.calls) ** 0.5
        if more or window.share_rejected > _NOT_BY_CHANCE:
            # More than before, at less load: what was saved up for a burst had been taken for the pace.
            # Never less than half at once: where nothing is taken for a second or two, that tells of no pace.
            taken_rate = max(window.latencies.calls / lasted, test.taken_rate / 2)
            self._try_slower(taken_rate, window.share_rejected)
            return
        self._refill.forget()
        if window.share_rejected > share / 3:
            self.rate, self._state, self._doubling = self.rate_at_most, "free", True
            self._usual = max(self._usual, window.share_rejected)
            return
        self._state, self._doubling, self._held = "limited", False, test.taken_rate
        self._cuts, self._clean = 0, _EAGER
        self.rate = min(test.taken_rate * _BELOW, self.rate_at_most or float("inf"))
        self.limit = max(1.0, min(self.limit, 1 + 1.5 * self.rate * window.latencies.mean))

    def _cut(self, window: _Window) -> None:
        """Goes as fast as calls are taken, as far as that is known, and slower each time that this was not enough."""
        found = self._refill.rate
        if found is not None and found < _LESS * self._held:
            self._try_slower(found, max(self._recent, window.share_rejected))
            return
        self._held = max(self._held, found or 0.0)
        self._clean = 0
        factor = 1 - 0.1 * 2 ** min(self._cuts, 2)
        self._cuts += 1
        if self.rate is not None and (found or window.paced or not window.slots_full):
            self.rate = max(self.rate * factor, min(self.rate, found or self._held) * _BELOW)
        else:
            self.limit = max(1.0, self.limit * factor)

    def _grow(self, window: _Window) -> None:
        self._cuts = 0
        self._clean += 1
        if self.rate is not None and window.paced and self._state == "limited":
            faster = self.rate * (1 + min(0.05, 0.003 * 1.07**self._clean))
            self.rate = min(faster, self.rate_at_most or float("inf"))
        if not window.latencies.calls:
            return
        crowding = self._crowding.of(window.latencies, _AT_REST)
        if crowding > _AT_REST and self._doubling and not self._noticed and window.calls < _FEW:
            self._noticed = True  # so few may have been slow by chance: the next window tells
            return
        self._noticed = False
        if crowding > _AT_REST:
            self._doubling = False
        if self.found and crowding > _CROWDED:
            self.limit = max(1.0, self.limit / crowding * _AT_REST)
        elif window.slots_full and (crowding <= _AT_REST or not self.found):
            step = self.limit if self._doubling else max(1.0, self.limit / 10)
            self.limit = min(float(self.most), self.limit + step)

    def take_over(self, limit: float, rate: float | None) -> None:
        """Takes limits that another process has found for the same endpoint."""
        self.limit = max(1.0, min(float(self.most), limit))
        if rate is not None and self.rate_at_most is not None:
            rate = min(rate, self.rate_at_most)
        if rate is not None or self._state == "free":
            self.rate = self.rate_at_most if rate is None else rate
            self._state = "free" if rate == self.rate_at_most else "limited"
