"""Copies of users' requests for a candidate on trial: off the users' path, and never more than a few at once."""

import asyncio
import logging

from tasks.guarding.watch import Watch
from tasks.serving.champion import OnTrial
from tasks.serving.exchange import Exchange
from tasks.serving.responder import Reply

_log = logging.getLogger(__name__)

_AT_ONCE = 4


class Copies:
    """The copies under way. A request that comes while there are enough of them is not copied."""

    def __init__(self) -> None:
        self._under_way: set[asyncio.Task[None]] = set()

    def send(self, exchange: Exchange, trial: OnTrial, watch: Watch | None) -> None:
        """Has the candidate answer a request that the champion has answered; returns at once."""
        if len(self._under_way) >= _AT_ONCE:
            return
        task = asyncio.create_task(_answered(exchange.copy_for(trial.candidate, trial.release, watch)))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def end(self) -> None:
        """Ends what is under way; a copy that is not answered says nothing."""
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)


def _counted_nowhere(_reply: Reply) -> None:
    """A copy is nobody's request."""


async def _answered(copy: Exchange) -> None:
    try:
        async for _ in copy.replies(_counted_nowhere):
            pass
    except Exception:  # it is nobody's request: what went wrong is the log's
        _log.exception("a copy was not answered")
