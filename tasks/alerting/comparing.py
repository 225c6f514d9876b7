"""What is broken now beside what is open: what is new, what lasts, and what is over."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from tasks.alerting.alert import Alert
from tasks.alerting.channel import Channel
from tasks.alerting.found import SEVERITIES, Found
from tasks.alerting.message import Message


class Look(NamedTuple):
    """What one look changed.

    Attributes:
        opened: what is new, or worse than before: it is told.
        lasting: what was open and still is: it is counted.
        recovered: what was open and is over.
    """

    opened: tuple[Alert, ...] = ()
    lasting: tuple[Alert, ...] = ()
    recovered: tuple[Alert, ...] = ()


def compared(
    app: str,
    source: str,
    before: Mapping[str, Alert],
    found: Sequence[Found],
    unknown: Collection[str],
    at: datetime,
    ends: bool = True,
) -> Look:
    """Compares one source's findings with its open alerts.

    Args:
        app: name of the app.
        source: who looked.
        before: its open alerts, by key.
        found: all that it finds wrong now; of two with one key the last counts.
        unknown: keys that could not be judged: they stay as they are.
        at: now, in UTC.
        ends: False where all that is not found stays as it is.
    """
    opened: list[Alert] = []
    lasting: list[Alert] = []
    by_key = {each.key: each for each in found}
    for key, each in by_key.items():
        earlier = before.get(key)
        if earlier is None:
            opened.append(_alert(uuid.uuid4().hex, app, source, each, at, at, 1))
            continue
        worse = SEVERITIES.index(each.severity) > SEVERITIES.index(earlier.severity)
        now = _alert(earlier.id, app, source, each, earlier.began, at, earlier.times + 1)
        (opened if worse else lasting).append(now)
    over = [alert for key, alert in before.items() if ends and key not in by_key and key not in unknown]
    recovered = (alert.model_copy(update={"recovered": at}) for alert in over)
    return Look(tuple(opened), tuple(lasting), tuple(recovered))


def message_for(channel: Channel, app: str, look: Look, told: Mapping[str, datetime], at: datetime) -> Message | None:
    """Returns what a look has to tell a channel; None where that is nothing.

    What is over is told to whom it was told; an open alert that a channel has never heard of is new to it.

    Args:
        channel: which one.
        app: name of the app.
        look: what changed.
        told: when the channel was last told of an alert, by the alert's id.
        at: now, in UTC.
    """
    unheard = tuple(alert for alert in look.lasting if alert.id not in told)
    reminded: tuple[Alert, ...] = ()
    if channel.remind_hours is not None:
        pause = timedelta(hours=channel.remind_hours)
        reminded = tuple(alert for alert in look.lasting if alert.id in told and at - told[alert.id] >= pause)
    message = Message(
        id=f"msg_{uuid.uuid4().hex}",
        app=app,
        at=at,
        opened=(*look.opened, *unheard),
        reminded=reminded,
        recovered=tuple(alert for alert in look.recovered if alert.id in told),
    )
    return message if message.alerts else None


def _alert(identity: str, app: str, source: str, found: Found, began: datetime, seen: datetime, times: int) -> Alert:
    return Alert(id=identity, app=app, source=source, began=began, seen=seen, times=times, **found._asdict())
