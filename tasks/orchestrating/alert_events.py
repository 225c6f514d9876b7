"""An alert as Prefect events, for any automation to act on, and the events by which work starts."""

import os
from base64 import b64encode
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import orjson

from tasks.alerting.alert import Alert
from tasks.alerting.message import Message

ALERT_OPENED = "lifecycle.alert.opened"
ALERT_RECOVERED = "lifecycle.alert.recovered"
ALERT_TEST = "lifecycle.alert.test"


def events_body(message: Message) -> bytes:
    """Returns the body for Prefect's route `/events`: an event for each alert, then one for each kind of work.

    The resource is `lifecycle.app.APP`, with labels that an automation can match: severity, source and key. An event's
    id follows from the message's, so that Prefect takes one that is sent twice for one.
    """
    found = [_event(message, ALERT_OPENED, alert) for alert in message.opened]
    found += [_event(message, ALERT_RECOVERED, alert) for alert in message.recovered]
    if message.test:
        found.append(_made(message, ALERT_TEST, "", {}, {"text": message.text}))
    for name in dict.fromkeys(alert.event for alert in message.opened if alert.event):
        found.append(_work(message, name, [alert for alert in message.opened if alert.event == name]))
    return orjson.dumps(found)


def events_headers() -> dict[str, str]:
    """Returns what a Prefect server that asks for it is told of who sends, from Prefect's own variables."""
    if auth := os.environ.get("PREFECT_API_AUTH_STRING"):
        return {"authorization": f"Basic {b64encode(auth.encode()).decode()}"}
    if key := os.environ.get("PREFECT_API_KEY"):
        return {"authorization": f"Bearer {key}"}
    return {}


def _event(message: Message, event: str, alert: Alert) -> dict[str, Any]:
    labels = {"lifecycle.severity": alert.severity, "lifecycle.source": alert.source, "lifecycle.key": alert.key}
    return _made(message, event, alert.id, labels, alert.model_dump(mode="json", exclude={"event"}))


def _work(message: Message, event: str, alerts: list[Alert]) -> dict[str, Any]:
    payload = {"candidate": alerts[0].candidate, "alerts": [alert.title for alert in alerts]}
    return _made(message, event, "", {}, payload)


def _made(message: Message, event: str, about: str, labels: dict[str, str], payload: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": str(uuid5(NAMESPACE_URL, f"{message.id} {event} {about}")),
        "occurred": message.at.isoformat(),
        "event": event,
        "resource": {
            "prefect.resource.id": f"lifecycle.app.{message.app}",
            "prefect.resource.name": message.app,
            **labels,
        },
        "payload": payload,
    }
