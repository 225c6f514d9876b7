"""Events: what happened, for automations to act on."""

from typing import Any

LIMIT_BROKEN = "lifecycle.monitor.limit-broken"
CANDIDATE_MADE = "lifecycle.augment.candidate-made"
ANSWERS_CHANGED = "lifecycle.evaluate.answers-changed"


def emit(event: str, app: str, payload: dict[str, Any]) -> None:
    """Sends an event about an app. Automations match on the resource `lifecycle.app.<app>`."""
    from prefect.events import emit_event

    emit_event(
        event,
        resource={"prefect.resource.id": f"lifecycle.app.{app}", "prefect.resource.name": app},
        payload=payload,
    )
