"""Raises alerts: what a source finds wrong at a look is compared with what is open, and what changed is told."""

import asyncio
from collections.abc import Collection, Sequence

from configs.schema.app import App
from tasks.alerting.channel import channels_of
from tasks.alerting.comparing import Look
from tasks.alerting.delivering import Clock, deliver
from tasks.alerting.found import Found
from tasks.alerting.outbox import open_outbox, utc_now


async def raise_alerts(
    app: App,
    source: str,
    found: Sequence[Found],
    *,
    unknown: Collection[str] = (),
    ends: bool = True,
    clock: Clock = utc_now,
) -> Look:
    """Tells what is new and what is over, once; what lasts is counted.

    What cannot be delivered now stays in the outbox: the endpoint's process delivers it, and every later call of this.

    Args:
        app: its `alerts` say who is told.
        source: who looks, such as `monitor`; what it raised before and does not find now is over.
        found: everything that is wrong now.
        unknown: keys that could not be judged: neither new nor over.
        ends: False where the source did not look at all that it looks at otherwise: then nothing is over.
        clock: returns now, in UTC.

    Returns:
        What changed.

    Raises:
        OutboxError: the outbox cannot be written.
    """
    channels = channels_of(app)
    with open_outbox(app.name) as outbox:
        outbox.keep_only(channels, clock())
        look = await asyncio.to_thread(outbox.look, source, found, channels, clock(), unknown, ends)
        await deliver(outbox, clock)
    return look
