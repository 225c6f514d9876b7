"""Raises alerts of what is wrong with who answers: champion or candidate cannot be served, a rollout ended by itself.

In a thread of its own, which only writes to the outbox; the process beside the endpoint delivers.
"""

import logging
import threading
import time
from typing import Protocol

from configs.errors import LifecycleError
from configs.schema.app import App
from configs.settings import settings
from tasks.alerting.channel import channels_of
from tasks.alerting.found import Found
from tasks.alerting.lasting import Lasting
from tasks.alerting.outbox import open_outbox, outbox_file, utc_now
from tasks.rollout.ended import Ended
from tasks.tracking.links import version_url

_log = logging.getLogger(__name__)

SOURCE = "endpoint"
_LOOK_EVERY_S = 1.0
_COUNT_EVERY_S = 600.0


class Keeper(Protocol):
    """What the alarm looks at: who answers, and what is wrong; a `ChampionKeeper`."""

    problem: str
    registry_problem: str
    trial_problem: str
    ended: Ended | None

    @property
    def current(self) -> object | None:
        """Who answers; None for nobody."""


class Alarm:
    """Looks at the keeper of the champion once a second.

    Args:
        app: the app.
        keeper: holds its champion.
    """

    def __init__(self, app: App, keeper: Keeper) -> None:
        self._app = app
        self._keeper = keeper
        self._champion = Lasting(5.0, 5.0)
        self._trial = Lasting(5.0, 5.0)
        # A restart of MLflow is none of it; and what has not been tried since the start is not over.
        self._registry = Lasting(300.0, 60.0)
        self._said: tuple[tuple[str, ...], tuple[str, ...]] | None = None
        self._counted = 0.0
        self._problem = ""
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="alarm", daemon=True)

    def start(self) -> None:
        """Starts to look."""
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread."""
        self._stopped.set()
        self._thread.join(timeout=5)

    def look(self, at: float) -> None:
        """Raises what is wrong, where that has changed, and counts it now and then.

        Args:
            at: seconds of a clock that never goes back.

        Raises:
            OutboxError: the outbox cannot be written.
        """
        states = {
            "champion": self._champion.state(bool(self._keeper.problem), at),
            "candidate": self._trial.state(bool(self._keeper.trial_problem), at),
            "registry": self._registry.state(bool(self._keeper.registry_problem), at),
        }
        found = [self._found(key) for key, state in states.items() if state]
        if (ended := self._keeper.ended) is not None:
            found.append(_ended(self._app.name, ended))
        unknown = tuple(key for key, state in states.items() if state is None)
        says = (tuple(f"{each.key} {each.severity}" for each in found), unknown)
        again = bool(found) and at - self._counted >= _COUNT_EVERY_S
        if says == self._said and not again:
            return
        if found or outbox_file(self._app.name).exists():
            with open_outbox(self._app.name) as outbox:
                outbox.look(SOURCE, found, channels_of(self._app), utc_now(), unknown)
        self._said, self._counted = says, at

    def _run(self) -> None:
        while not self._stopped.wait(_LOOK_EVERY_S):
            try:
                self.look(time.monotonic())
                self._problem = ""
            except (LifecycleError, OSError) as error:
                if str(error) != self._problem:
                    _log.warning("no alert can be raised: %s", error)
                self._problem = str(error)

    def _found(self, key: str) -> Found:
        health = f"{settings().endpoint_url.removesuffix('/v1')}/health"
        if key == "registry":
            title = "MLflow and the release log have not been reconciled for 5 minutes"
            return Found(key, "warning", title, self._keeper.registry_problem, link=health)
        if key == "candidate":
            title = "rollout stands still, the champion answers"
            return Found(key, "warning", title, self._keeper.trial_problem, link=health)
        served = self._keeper.current is not None
        title = f"champion cannot be served, {'the one before still answers' if served else 'nobody answers'}"
        return Found(key, "error" if served else "critical", title, self._keeper.problem, link=health)


def _ended(app: str, ended: Ended) -> Found:
    candidate, back = ended.step.candidate, ended.rolled_back is not None
    how = "was rolled back" if back else "ended unproven, it stays champion" if ended.unproven else "ended by itself"
    return Found(
        key=f"rollout · {ended.step.hash[:8]}",
        severity="error" if back else "warning",
        title=f"rollout of candidate {candidate[:8]} {how}",
        reason=ended.reason,
        link=version_url(app, ended.step.version),
        candidate=candidate,
    )
