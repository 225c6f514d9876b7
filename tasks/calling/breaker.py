"""Stops spending on an endpoint that is dead: waits for one that has answered before, gives up on one that has not."""

import asyncio

from tasks.calling.failures import CallFailure
from tasks.progress import say

_FAILURES = 5
"""So many calls in a row that fail for a reason which is no row's own: nobody answers there, or not us."""
_OUTAGE_S = 60.0
"""Seconds for which an endpoint that has answered before is waited for."""
_FIRST_PROBE_S, _LONGEST_PROBE_S = 1.0, 10.0


class Breaker:
    """Watches the calls of one endpoint.

    Attributes:
        given_up: why nothing is asked any more, "" while something is.
    """

    def __init__(self) -> None:
        self.given_up = ""
        self._answered = False
        self._failures = 0
        self._since: float | None = None
        self._probe_at = 0.0
        self._pause = _FIRST_PROBE_S

    async def passes(self) -> bool:
        """Returns whether a call may be made; while an endpoint is waited for, lets one call through at a time."""
        clock = asyncio.get_running_loop().time
        while self._since is not None and not self.given_up:
            if clock() >= self._probe_at:
                self._pause = min(_LONGEST_PROBE_S, self._pause * 2)
                self._probe_at = clock() + self._pause
                return True
            await asyncio.sleep(min(0.2, self._probe_at - clock()))
        return not self.given_up

    def answered(self) -> None:
        """Counts a call that was answered."""
        if self._since is not None:
            say("the endpoint answers again")
        self._answered, self._failures, self._since, self._pause = True, 0, None, _FIRST_PROBE_S

    def failed(self, failure: CallFailure) -> None:
        """Counts a call that failed after all its tries."""
        if failure.kind.of_one_row:
            self._failures = 0
            return
        self._failures += 1
        if self._failures < _FAILURES or self.given_up:
            return
        now = asyncio.get_running_loop().time()
        if not (self._answered and failure.kind.passes):
            self.given_up = f"not asked after {self._failures} failures in a row: {failure}"
        elif self._since is None:
            self._since, self._probe_at = now, now + self._pause
            say(f"waits up to {_OUTAGE_S:g} s for an endpoint that has stopped answering: {failure}")
        elif now - self._since > _OUTAGE_S:
            self.given_up = f"not asked after {now - self._since:.0f} s without an answer: {failure}"
