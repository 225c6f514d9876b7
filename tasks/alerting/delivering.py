"""Delivers what waits in an outbox: to all channels at once, to each of them in order, by one process at a time."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path

from tasks.alerting.outbox import Delivery, Outbox, outbox_files, outboxes, utc_now
from tasks.alerting.sending import send
from tasks.alerting.tried import Tried
from tasks.joining import joined

_log = logging.getLogger("lifecycle.alerts")

_WAIT_S = 30.0
"""Where another process delivers for longer than this, it will deliver the rest as well."""

Clock = Callable[[], datetime]


async def deliver(outbox: Outbox, clock: Clock = utc_now) -> None:
    """Sends every message that is due, and notes what came of it.

    A process that is killed between sending and noting leaves a message that is sent again, with the same id.

    Args:
        outbox: the app's.
        clock: returns now, in UTC.

    Raises:
        OutboxError: it cannot be read or written.
    """
    due = [each.channel.name for each in outbox.waiting() if each.is_due(clock())]
    await asyncio.gather(*(_deliver_to(channel, outbox, clock) for channel in due))


def anything_due() -> bool:
    """Returns whether a message of any app of this home is due.

    Raises:
        OutboxError: an outbox cannot be read.
    """
    with outboxes() as every:
        now = utc_now()
        return any(head.is_due(now) for outbox in every for head in outbox.waiting())


async def deliver_all() -> None:
    """Delivers what is due in every outbox of this home, also of apps that nobody serves.

    Raises:
        OutboxError: an outbox cannot be read or written; the others were delivered.
    """
    came = await asyncio.gather(*(_deliver_in(path) for path in outbox_files()), return_exceptions=True)
    if failed := next((each for each in came if each is not None), None):
        raise failed


async def _deliver_in(path: Path) -> None:
    with Outbox(path) as outbox:
        await deliver(outbox)


async def _deliver_to(channel: str, outbox: Outbox, clock: Clock) -> None:
    async with AsyncExitStack() as held:
        try:
            async with asyncio.timeout(_WAIT_S):
                lock = joined(outbox.path.parent / "locks", f"{outbox.app} {channel}".replace(" ", "-"))
                await held.enter_async_context(lock)
        except TimeoutError:
            return
        while (head := outbox.head(channel)) is not None and head.is_due(clock()):
            tried = await send(head.channel, head.message, clock())
            outbox.note(head, tried, clock())
            _say(outbox, head, tried)


def _say(outbox: Outbox, head: Delivery, tried: Tried) -> None:
    """Logs a problem when it begins and when it is over, not at every try."""
    where = f"alerts of {outbox.app} to {head.channel.name}"
    if tried.problem and tried.problem != head.problem:
        _log.warning("%s wait: %s", where, tried.problem)
    elif head.problem and not tried.problem:
        _log.warning("%s arrive again, after %d tries", where, head.tries + 1)
