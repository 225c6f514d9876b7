"""Holds the champion that answers, and takes up a new one without dropping a request.

The release log says who is champion. It is looked at twice a second, which costs one `stat`; at a slower pace log and
alias are reconciled, and while MLflow is away the champion simply keeps answering. A new champion is made ready first
and swapped in then; requests under way end with the one that they began with. A candidate on trial is held beside it.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from configs.errors import LifecycleError, ReleaseError
from tasks.alerting.lasting import Lasting
from tasks.data.row import Row
from tasks.releasing.entry import Stage
from tasks.releasing.log import BusyError, ReleaseLog
from tasks.releasing.parts import Parts, Registry, Smoke
from tasks.releasing.reconcile import reconcile
from tasks.rollout.ended import Ended, ended_by_itself
from tasks.rollout.placing import Placed, is_drawn
from tasks.rollout.report import is_alive
from tasks.rollout.stages import Rollout, rollout_of, step
from tasks.serving.responder import Responder, answer_once

T = TypeVar("T")

_log = logging.getLogger(__name__)

_LOOK_EVERY_S = 0.5
_LOOK_AGAIN_AFTER_S = 2.0
_TAKE_UP_WITHIN_S = 120.0
_GIVE_UP_AFTER_S = 60.0
"""A candidate on trial that could not be made ready for so long ends its rollout."""
_JUDGE_STARTS_WITHIN_S = 30.0
"""Its process is started once there is something to judge."""


@dataclass(frozen=True, slots=True)
class Champion:
    """Who answers: digest and model version of the candidate, and what it answers with."""

    candidate: str
    version: int
    responder: Responder


@dataclass(frozen=True, slots=True)
class OnTrial:
    """A rollout under way, as this process serves it.

    Attributes:
        release: id of the release.
        stage: where it stands.
        share: share of the users whom the candidate answers.
        candidate: who is on trial.
    """

    release: str
    stage: Stage
    share: float
    candidate: Champion


class ChampionKeeper:
    """The champion of one app, as this process serves it, and the candidate on trial.

    Attributes:
        current: who answers new requests; None while there is no champion.
        trial: who is on trial; None where nobody is, or nobody judges it.
        problem: why the last committed champion is not the one that answers, "" where it is.
        registry_problem: why log and alias could not be reconciled, "" where they could.
        trial_problem: why the candidate on trial cannot answer, or its rollout stands still; "" where neither is so.
        ended: the last rollout, where it ended by itself and nothing was released since.
    """

    def __init__(
        self,
        app: str,
        log: ReleaseLog,
        registry: Registry,
        open_responder: Callable[[str, int], Awaitable[Responder]],
        smoke_row: Callable[[], Row],
        *,
        moved_by_hand: Literal["refuse", "warn"] = "refuse",
        reconcile_every_s: float = 5.0,
    ) -> None:
        self.current: Champion | None = None
        self.trial: OnTrial | None = None
        self.problem = ""
        self.registry_problem = ""
        self.trial_problem = ""
        self.ended: Ended | None = None
        self._log = log
        self._open = open_responder
        self.smoke_row = smoke_row
        self._app = app
        self._registry = registry
        self._moved_by_hand = moved_by_hand
        self._reconcile_every_s = reconcile_every_s
        self._switching = asyncio.Lock()
        self._seen: tuple[int, int] | None = None
        self._tried: OnTrial | None = None
        self._unservable = ""
        self._to_judge: Stage | None = None
        self._judge_silent = Lasting(_JUDGE_STARTS_WITHIN_S, 0.0)
        self._fails: tuple[str, float] | None = None
        self._settled = False
        self._watching: asyncio.Task[None] | None = None
        self._stopped = threading.Event()

    async def start(self) -> None:
        """Takes up the last committed champion and begins to watch."""
        await self._look()
        self._watching = asyncio.create_task(self._watch())
        here = _This(self, asyncio.get_running_loop())
        parts = Parts(self._app, self._log, self._registry, here, self._moved_by_hand)
        # A daemon: while MLflow does not answer, a call to it must not hold up the end of this process.
        threading.Thread(target=self._keep_reconciled, args=(parts,), name="reconcile", daemon=True).start()

    async def stop(self) -> None:
        """Ends the watch."""
        self._stopped.set()
        if self._watching is not None:
            self._watching.cancel()
            with suppress(asyncio.CancelledError):
                await self._watching

    async def reload(self) -> None:
        """Takes up at once what the log says: where a release is under way, its candidate, on trial.

        Raises:
            LifecycleError: the candidate cannot be served; who answered before still does.
        """
        async with self._switching:
            wanted = await asyncio.to_thread(self._wanted, trial=True)
            if wanted is not None:
                await self._switch(*wanted)

    async def take_up(self, candidate: str | None, version: int | None) -> None:
        """Makes a candidate ready, then lets it answer; None: nobody answers.

        Raises:
            LifecycleError: it cannot be served; who answered before still does.
        """
        async with self._switching:
            await self._switch(candidate, version)

    def who_answers(self, champion: Champion, person: str) -> tuple[Champion, Placed | None]:
        """Returns who answers a person, and what that says of the rollout.

        Args:
            champion: who answers where nobody is on trial.
            person: digest of who asks.
        """
        trial = self.trial
        if trial is None or (trial.stage == "watch") != (trial.candidate.candidate == champion.candidate):
            return champion, None  # what is being changed right now says nothing
        if trial.stage == "watch":
            return champion, Placed(trial.release, "watch", 1.0, person)
        if is_drawn(trial.release, person, trial.share):
            return trial.candidate, Placed(trial.release, "canary", trial.share, person)
        return champion, Placed(trial.release, "champion", trial.share, person)

    async def _switch(self, candidate: str | None, version: int | None) -> None:
        before = self.current
        if not candidate or not version:
            self.current = None
        elif before is None or before.candidate != candidate:
            self.current = await self._ready(candidate, version)
        elif before.version != version:
            self.current = Champion(candidate, version, before.responder)
        self.problem = ""
        if self.current is not before:
            _log.info("champion: %s version %s", candidate, version)

    async def _ready(self, candidate: str, version: int) -> Champion:
        if self._tried is not None and self._tried.candidate.candidate == candidate:
            return self._tried.candidate
        return Champion(candidate, version, await self._open(candidate, version))

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_EVERY_S if self._settled else _LOOK_AGAIN_AFTER_S)
            if self._stat() != self._seen or not self._settled:
                await self._look()
            # A judge that is dead would let users meet a candidate that nobody can take away.
            alive = self._to_judge is not None and await asyncio.to_thread(is_alive, self._app)
            self.trial = self._tried if alive else None
            self.trial_problem = self._unservable or self._standing_still(alive)

    async def _look(self) -> None:
        async with self._switching:
            try:
                self._settled, self._seen = True, self._stat()
                wanted = await asyncio.to_thread(self._wanted, trial=False)
                if wanted is not None:
                    await self._switch(*wanted)
                await self._hold_trial()
            except Exception as error:  # whatever it is, the watch goes on
                # A candidate that could not be made ready is tried again: its index or weights may still come.
                self._settled = False
                self.problem = _noted(error, self.problem)

    def _wanted(self, *, trial: bool) -> tuple[str | None, int | None] | None:
        """Returns candidate and version that are to answer, None where nothing is to change now."""
        entries = self._log.entries()
        self.ended = ended_by_itself(entries)
        if entries and entries[-1].kind == "intent":
            self._settled = False
            if self._is_changing():
                return (entries[-1].candidate, entries[-1].version) if trial else None
        committed = self._log.committed()
        return (committed.candidate, committed.version) if committed else (None, None)

    async def _hold_trial(self) -> None:
        """Makes ready who is on trial, or lets go of who was; one that cannot be made ready for a while is given up."""
        rollout = rollout_of(await asyncio.to_thread(self._log.entries))
        self._to_judge = rollout.stage if rollout is not None and rollout.stage != "proposed" else None
        if rollout is None or not (rollout.answers or rollout.stage == "watch"):
            self._tried = self.trial = self._fails = None
            self._unservable = ""
            return
        try:
            held = self.current if rollout.stage == "watch" else await self._ready(rollout.candidate, rollout.version)
        except Exception as error:  # whatever it is, the champion answers
            self._unservable, self._tried, self._settled = _noted(error, self._unservable), None, False
            if self._failed_for(rollout) > _GIVE_UP_AFTER_S:
                why = f"the candidate cannot be served: {self._unservable}"
                # A release under way waits for this look to end: the next one tries again.
                with suppress(BusyError):
                    await asyncio.to_thread(step, self._log, rollout, "ended", who="endpoint", why=why, wait_s=0)
            return
        self._unservable, self._fails = "", None
        self._tried = OnTrial(rollout.release, rollout.stage, rollout.share, held) if held else None

    def _standing_still(self, alive: bool) -> str:
        """Returns that nobody judges the rollout; "" where somebody does, or its judge may still be starting."""
        if not self._judge_silent.state(self._to_judge is not None and not alive, time.monotonic()):
            return ""
        said = (
            f"{self._app}: the rollout stands still at `{self._to_judge}`: its judge, the process beside the endpoint, "
            f"has given no sign of late; the endpoint's log says why"
        )
        return _noted(ReleaseError(said), self.trial_problem)

    def _failed_for(self, rollout: Rollout) -> float:
        """Returns for how many seconds the candidate of a rollout could not be made ready."""
        if self._fails is None or self._fails[0] != rollout.opened.hash:
            self._fails = (rollout.opened.hash, time.monotonic())
        return time.monotonic() - self._fails[1]

    def _is_changing(self) -> bool:
        try:
            with self._log.hold(0):
                return False
        except BusyError:
            return True

    def _stat(self) -> tuple[int, int] | None:
        try:
            found = self._log.path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size

    def _keep_reconciled(self, parts: Parts) -> None:
        while not self._stopped.is_set():
            try:
                reconcile(parts, wait_s=0)
                self.registry_problem = ""
            except BusyError:
                pass
            except Exception as error:  # whatever it is, the next round may succeed
                self.registry_problem = _noted(error, self.registry_problem)
            self._stopped.wait(self._reconcile_every_s)


def _noted(error: Exception, before: str) -> str:
    """Returns an error as a line, which is logged unless it is the one that was noted before."""
    said = str(error) if isinstance(error, LifecycleError) else f"{type(error).__name__}: {error}"
    if said != before:
        _log.warning("%s", said)
    return said


class _This:
    """This process as the endpoint of a release: what reconciling, in its own thread, takes up and tests."""

    def __init__(self, keeper: ChampionKeeper, loop: asyncio.AbstractEventLoop) -> None:
        self._keeper = keeper
        self._loop = loop

    def take_up(self, candidate: str | None, version: int | None) -> None:
        self._wait_for(self._keeper.take_up(candidate, version))

    def smoke(self, candidate: str) -> Smoke:
        current = self._keeper.current
        if current is None or current.candidate != candidate:
            raise ReleaseError(f"candidate {candidate[:8]} was not taken up")
        return self._wait_for(answer_once(current.responder, self._keeper.smoke_row()))._replace(where="endpoint")

    def _wait_for(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_TAKE_UP_WITHIN_S)
