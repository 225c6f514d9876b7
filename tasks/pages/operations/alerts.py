"""The alerts of an app as its operations page shows them: what stands, what was over, and who was told."""

from datetime import datetime
from typing import NamedTuple

from tasks.alerting.outbox import Outbox, open_outbox, outbox_file
from tasks.alerting.outbox_file import OutboxError
from tasks.pages.operations.operations import RaisedAlert

_ALERTS, _MESSAGES = 500, 2000
"""Alerts and messages that are read at most, the newest."""


class Raised(NamedTuple):
    """An app's alerts, as far as they can be read.

    Attributes:
        alerts: those that stand, then those that are over; of each the newest first.
        problem: why none can be read, in one line; "" where they can.
    """

    alerts: tuple[RaisedAlert, ...]
    problem: str


def raised_since(app: str, since: datetime) -> Raised:
    """Returns the alerts of an app that stand, and those that were over at a moment or after it.

    Args:
        app: name of the app.
        since: the moment, in UTC.
    """
    file = outbox_file(app)
    if not file.exists():
        return Raised((), "")
    try:
        with open_outbox(app) as outbox:
            alerts, told = outbox.alerts(_ALERTS), _told(outbox)
    except OutboxError as error:
        return Raised((), str(error))
    except ValueError:  # pydantic's own words hold what is in the file
        return Raised((), f"{file}: holds what this version cannot read; use the version that wrote it")
    shown = (
        RaisedAlert(
            severity=alert.severity,
            title=alert.title,
            reason=alert.reason,
            source=alert.source,
            began=alert.began,
            recovered=alert.recovered,
            told=tuple(told.get(alert.id, {}).items()),
        )
        for alert in alerts
        if alert.recovered is None or alert.recovered >= since
    )
    return Raised(tuple(shown), "")


def _told(outbox: Outbox) -> dict[str, dict[str, str]]:
    """Returns how far the last message about each alert is, by the alert's id and the channel's name."""
    told: dict[str, dict[str, str]] = {}
    for delivery in reversed(outbox.deliveries(_MESSAGES)):
        for alert in delivery.message.alerts:
            told.setdefault(alert.id, {})[delivery.channel.name] = delivery.state
    return told
