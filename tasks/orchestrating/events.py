"""Events: what happened, for automations to act on."""

from typing import Any

LIMIT_BROKEN = "lifecycle.monitor.limit-broken"
FOUND = {
    "change": "lifecycle.monitor.metric-changed",
    "drift": "lifecycle.monitor.drifted",
    "topic": "lifecycle.monitor.new-topic",
    "budget": "lifecycle.monitor.budget-burnt",
}
"""What watching finds beside broken limits, by the kind of a signal."""
CANDIDATE_MADE = "lifecycle.augment.candidate-made"
SAMPLE_NOT_FAILED = "lifecycle.evaluate.sample-not-failed"
GATES_PASSED = "lifecycle.evaluate.gates-passed"
ANSWERS_CHANGED = "lifecycle.evaluate.answers-changed"
ENOUGH_LABELLED = "lifecycle.harvest.enough-labelled"


def emit(event: str, app: str, payload: dict[str, Any]) -> None:
    """Sends an event about an app. Automations match on the resource `lifecycle.app.<app>`."""
    from prefect.events import emit_event

    emit_event(
        event,
        resource={"prefect.resource.id": f"lifecycle.app.{app}", "prefect.resource.name": app},
        payload=payload,
    )
