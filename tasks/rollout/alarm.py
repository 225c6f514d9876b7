"""Raises an alert where a rollout cannot be judged: a bad candidate, or a bad champion, stays where it is until it can.

In the process of the judge, and in a thread beside it: a judge that fails cannot be relied on to say so.
"""

from typing import Protocol

from configs.schema.app import App
from configs.settings import settings
from tasks.alerting.channel import channels_of
from tasks.alerting.found import Found
from tasks.alerting.lasting import Lasting
from tasks.alerting.outbox import open_outbox, outbox_file, utc_now

SOURCE = "judge"
_FAILS_FOR_S = 30.0
"""Longer than another change of the champion, or a restart of MLflow, usually keeps a judge from its step."""
_COUNT_EVERY_S = 600.0


class Looking(Protocol):
    """What the alarm looks at: how a judge's last look ended; a `Judge`."""

    problem: str | None


class JudgeAlarm:
    """Looks at the judge of an app's rollouts.

    Args:
        app: the app.
        judge: whose looks may fail.
    """

    def __init__(self, app: App, judge: Looking) -> None:
        self._app = app
        self._judge = judge
        self._failing = Lasting(_FAILS_FOR_S, 0.0)
        self._said: bool | None = None
        self._counted = 0.0

    def look(self, at: float) -> None:
        """Raises that the judge has failed for a while, once, counts it now and then, and tells when it is over.

        Args:
            at: seconds of a clock that never goes back.

        Raises:
            OutboxError: the outbox cannot be written.
        """
        problem = self._judge.problem
        if problem is None:  # what has not been tried since the start is not over
            return
        fails = self._failing.state(bool(problem), at)
        again = fails and at - self._counted >= _COUNT_EVERY_S
        if fails is None or (fails == self._said and not again):
            return
        if fails or outbox_file(self._app.name).exists():
            found = [_found(problem)] if fails else []
            with open_outbox(self._app.name) as outbox:
                outbox.look(SOURCE, found, channels_of(self._app), utc_now())
        self._said, self._counted = fails, at


def _found(problem: str) -> Found:
    health = f"{settings().endpoint_url.removesuffix('/v1')}/health"
    return Found("judge", "critical", "the rollout cannot be judged", problem, link=health)
