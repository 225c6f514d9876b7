"""Automations of the Prefect server: the arrow from a broken limit back to augment, and the end of zombie runs."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from tasks.orchestrating.events import CANDIDATE_MADE, LIMIT_BROKEN

if TYPE_CHECKING:
    from prefect.automations import Automation
    from prefect.events.schemas.automations import AutomationCore

_HEARTBEAT_S = 30


async def install(deployments: dict[str, UUID], apps: tuple[str, ...]) -> None:
    """Creates or updates this project's automations.

    Args:
        deployments: id of each deployment by `stage/app`.
        apps: names of the apps.
    """
    for app in apps:
        await _put(_on_event(LIMIT_BROKEN, app, deployments[f"augment/{app}"], {"announce": True}))
        candidate = {"__prefect_kind": "jinja", "template": "{{ event.payload.candidate }}"}
        await _put(_on_event(CANDIDATE_MADE, app, deployments[f"evaluate/{app}"], {"candidate": candidate}))
    await _put(_zombies())


def _on_event(event: str, app: str, deployment: UUID, parameters: dict[str, Any]) -> "Automation":
    from prefect.automations import Automation
    from prefect.events.actions import RunDeployment
    from prefect.events.schemas.automations import EventTrigger, Posture

    return Automation(
        name=f"{event} · {app}",
        description=f"When {event} happens to {app}, the next stage starts by itself.",
        trigger=EventTrigger(
            expect={event},
            match={"prefect.resource.id": f"lifecycle.app.{app}"},
            posture=Posture.Reactive,
            threshold=1,
            within=timedelta(0),
        ),
        actions=[RunDeployment(source="selected", deployment_id=deployment, parameters=parameters)],
    )


def _zombies() -> "Automation":
    """A run whose process died sends no heartbeat: after three missing ones it is crashed."""
    from prefect.automations import Automation
    from prefect.client.schemas.objects import StateType
    from prefect.events.actions import ChangeFlowRunState
    from prefect.events.schemas.automations import EventTrigger, Posture

    return Automation(
        name="lifecycle.zombie-runs",
        description="Crashes flow runs whose process has stopped sending heartbeats.",
        trigger=EventTrigger(
            after={"prefect.flow-run.heartbeat"},
            expect={
                "prefect.flow-run.heartbeat",
                "prefect.flow-run.Completed",
                "prefect.flow-run.Failed",
                "prefect.flow-run.Cancelled",
                "prefect.flow-run.Crashed",
            },
            match={"prefect.resource.id": ["prefect.flow-run.*"]},
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=timedelta(seconds=3 * _HEARTBEAT_S),
        ),
        actions=[ChangeFlowRunState(state=StateType.CRASHED, message="Its process stopped sending heartbeats.")],
    )


async def _put(automation: "Automation") -> None:
    """Creates an automation. One of the same name that says something else goes; the client cannot change it."""
    from prefect.client.orchestration import get_client
    from prefect.events.schemas.automations import AutomationCore

    core = AutomationCore(**automation.model_dump(exclude={"id"}))
    async with get_client() as client:
        existing = await client.read_automations_by_name(automation.name)
        same = [each.id for each in existing if _content(each) == _content(core)][:1]
        for each in existing:
            if each.id not in same:
                await client.delete_automation(each.id)
        if not same:
            await client.create_automation(core)


def _content(automation: "AutomationCore") -> dict[str, Any]:
    return automation.model_dump(mode="json", include={"name", "description", "trigger", "actions"})
