"""Lets the calls of one endpoint start: so many at once and so many a second, as `Control` finds them out.

Everything in a process that calls an endpoint shares its limiter, and processes share what they may do through a
`Table` on disk.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from weakref import WeakKeyDictionary

from configs.schema.model import ModelConfig
from tasks.calling.endpoint import base_url
from tasks.calling.failures import CallFailure, FailureKind
from tasks.calling.limits.control import Control
from tasks.calling.limits.sharing import Table

MOST_AT_ONCE = 512
"""Calls that are in flight at once at most where a limit is looked for."""
_MEET_EVERY_S = 0.25
"""Seconds between two looks at what other processes do."""
_LEAST_SHARE = 0.01
"""Where more processes want a place than there are places, a share may be nothing for a moment."""
_BURST_S = 0.05
"""So much of a pause in the pace may be made up for at once: an event loop wakes up late."""


class Limiter:
    """The limits of one endpoint in this event loop.

    Args:
        control: finds the limits.
        tokens_per_minute: tokens that may be used; None for any number.
        table: what processes share, None where nothing is shared.
        endpoint: name of the endpoint there.
    """

    def __init__(
        self, control: Control, tokens_per_minute: int | None = None, table: Table | None = None, endpoint: str = ""
    ) -> None:
        self._control = control
        self._tokens_per_s = tokens_per_minute / 60 if tokens_per_minute else None
        self._table, self._endpoint = table, endpoint
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._watchers: list[Callable[[], None]] = []
        self._share = 1.0
        self._met = float("-inf")
        self._next_start = self._next_token = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self.in_flight = 0
        self.asleep = 0
        """Calls that wait for their next try, outside of any slot."""

    @property
    def allowed(self) -> int:
        """Calls that this process may have in flight now."""
        return int(self._control.limit * self._share + 1e-9)

    @property
    def rate(self) -> float | None:
        """Calls a second that this process may start now; None where no pace is held."""
        return None if self._control.rate is None else self._control.rate * self._share

    @property
    def workers(self) -> int:
        """Workers that keep every slot busy: those in a slot, those asleep, and a few with their question ready."""
        return self.allowed + self.asleep + 2 + self.allowed // 8

    def watch(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Has `changed` called whenever more workers may be wanted; returns what ends that."""
        self._watchers.append(changed)

        def unwatch() -> None:
            self._watchers.remove(changed)
            if not self._watchers:
                self._rest()

        return unwatch

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Waits until a call may start, and learns from what becomes of the block, which makes the call."""
        await self._enter()
        started = self._loop.time()
        standing_for = 1 / max(self._share, _LEAST_SHARE)
        self._control.started(standing_for)
        try:
            yield
        except CallFailure as failure:
            if failure.kind is FailureKind.RATE_LIMITED:
                self._control.rejected(self._loop.time(), self.in_flight, standing_for)
                self._loop.call_later(self._control.hold_s, self._leave)
            else:
                self._leave()
            raise
        except BaseException:
            self._leave()
            raise
        now = self._loop.time()
        waits = bool(self._waiting)
        self._control.accepted(
            now,
            now - started,
            self.in_flight,
            slots_full=waits and self.in_flight >= self.allowed,
            paced=waits and self.in_flight < self.allowed,
        )
        self._leave()

    def used(self, tokens: int) -> None:
        """Counts the tokens of a call that has ended; they are paid for by the calls after it."""
        if self._tokens_per_s is not None:
            pace = self._tokens_per_s * max(self._share, _LEAST_SHARE)
            self._next_token = max(self._next_token, self._loop.time()) + tokens / pace

    def pause(self, seconds: float) -> None:
        """Starts no call for so long: the endpoint has asked for it."""
        self._next_start = max(self._next_start, self._loop.time() + seconds)

    async def sleep(self, seconds: float) -> None:
        """Sleeps between two tries of a call; somebody else works meanwhile."""
        self.asleep += 1
        self._changed()
        try:
            await asyncio.sleep(seconds)
        finally:
            self.asleep -= 1

    async def _enter(self) -> None:
        self._meet()
        if not self._waiting and self._may_start():
            self._start()
            return
        waiter: asyncio.Future[None] = self._loop.create_future()
        self._waiting.append(waiter)
        self._admit()
        try:
            await waiter
        except BaseException:
            if waiter.done() and not waiter.cancelled():
                self._leave()
            else:
                self._waiting.remove(waiter)
            raise

    def _leave(self) -> None:
        self.in_flight -= 1
        self._meet()
        self._admit()
        self._changed()

    def _admit(self) -> None:
        """Lets those start who may, in the order in which they came."""
        while self._waiting and self._may_start():
            waiter = self._waiting.popleft()
            if not waiter.done():
                self._start()
                waiter.set_result(None)
        if self._waiting and self._timer is None:
            due = max(self._next_start, self._next_token)
            if self.in_flight >= self.allowed:
                # A slot that is left admits the next; only another process can give more of them.
                due = self._loop.time() + _MEET_EVERY_S
            self._timer = self._loop.call_at(max(due, self._loop.time() + 0.001), self._tick)

    def _tick(self) -> None:
        self._timer = None
        self._meet()
        self._admit()
        self._changed()

    def _may_start(self) -> bool:
        now = self._loop.time()
        return self.in_flight < self.allowed and max(self._next_start, self._next_token) <= now

    def _start(self) -> None:
        self.in_flight += 1
        if self.rate:
            now = self._loop.time()
            self._next_start = max(self._next_start, now - _BURST_S) + 1 / self.rate

    def _changed(self) -> None:
        for changed in tuple(self._watchers):
            changed()

    def _rest(self) -> None:
        """Leaves its share to other processes until the next call."""
        if self._table is not None:
            self._table.leave(self._endpoint)
            self._met = float("-inf")

    def _meet(self) -> None:
        now = self._loop.time()
        if self._table is None or now - self._met < _MEET_EVERY_S:
            return
        self._met = now
        wanted = self.in_flight + len(self._waiting) + self.asleep
        self._share = self._table.meet(self._endpoint, self._control, wanted)


_limiters: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, Limiter]] = WeakKeyDictionary()


def limiter_of(endpoint: str, control: Control, tokens_per_minute: int | None, folder: Path | None) -> Limiter:
    """Returns the limiter of an endpoint in this event loop, made at its first call.

    Args:
        endpoint: what has one limit: address, model and key.
        control: its limits, where they are not known yet.
        tokens_per_minute: tokens that may be used; None for any number.
        folder: where processes meet; None for an endpoint that is this process's alone.
    """
    known = _limiters.setdefault(asyncio.get_running_loop(), {})
    if endpoint not in known:
        table = Table(folder / "limits.db") if folder is not None else None
        known[endpoint] = Limiter(control, tokens_per_minute, table, endpoint)
    return known[endpoint]


def model_limiter(model: ModelConfig, folder: Path) -> Limiter:
    """Returns the limiter of a model's endpoint.

    Args:
        model: says what is known of the endpoint's limits; `concurrency` where it is not set is found out.
        folder: where processes meet.
    """
    if model.kind == "embedded":
        control, tokens = Control(model.concurrency, found=False), None
        return limiter_of(f"embedded {model.task} {base_url(model)}", control, tokens, folder)
    a_second = model.requests_per_minute / 60 if model.requests_per_minute else None
    control = Control(model.concurrency or MOST_AT_ONCE, found=model.concurrency is None, rate_at_most=a_second)
    key = f"{model.model} {model.base_url} {model.api_key_env or ''}"
    return limiter_of(key, control, model.tokens_per_minute, folder)
