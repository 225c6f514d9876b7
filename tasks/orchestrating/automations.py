"""Automations of the Prefect server: from production to augment, its gates and a rollout; the end of zombie runs."""

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from configs.schema.app import App
from configs.settings import settings
from tasks.orchestrating.events import (
    CANDIDATE_MADE,
    ENOUGH_LABELLED,
    FOUND,
    GATES_PASSED,
    LIMIT_BROKEN,
    SAMPLE_NOT_FAILED,
)

if TYPE_CHECKING:
    from prefect.automations import Automation
    from prefect.events.schemas.automations import AutomationCore

_HEARTBEAT_S = 30
_ZOMBIES = "lifecycle.zombie-runs"


async def install(deployments: dict[str, UUID], apps: Sequence[App]) -> None:
    """Creates or updates this project's automations.

    A candidate that passed both gates is deployed by itself only where that does not make it champion at once: a person
    must agree, or users meet it by shares.

    Args:
        deployments: id of each deployment by `stage/app`.
        apps: the apps.
    """
    for each in apps:
        app = each.name
        for cause in (LIMIT_BROKEN, ENOUGH_LABELLED):
            await _put(_on_event(cause, app, deployments[f"augment/{app}"], {"announce": True}))
        for cause in (FOUND["drift"], FOUND["topic"]):  # what nobody has measured yet, people look at first
            await _put(_on_event(cause, app, deployments[f"harvest/{app}"], {}))
        candidate = {"__prefect_kind": "jinja", "template": "{{ event.payload.candidate }}"}
        for cause, data in ((CANDIDATE_MADE, "sample"), (SAMPLE_NOT_FAILED, "full")):
            parameters = {"candidate": candidate, "data": data, "announce": True}
            await _put(_on_event(cause, app, deployments[f"evaluate/{app}"], parameters))
        passed = _on_event(GATES_PASSED, app, deployments[f"deploy/{app}"], {"candidate": candidate})
        await (_put(passed) if each.release.by_stages else _drop(passed.name))
    # A server elsewhere has other people's runs, which may be silent for longer than this project's.
    await (_put(_zombies()) if settings().prefect_url is None else _drop(_ZOMBIES))


async def is_awaited(event: str, app: str) -> bool:
    """Returns whether an automation of the Prefect server starts something when an event happens to an app."""
    from prefect.client.orchestration import get_client

    async with get_client() as client:
        return any(each.enabled for each in await client.read_automations_by_name(_name(event, app)))


def _name(event: str, app: str) -> str:
    return f"{event} · {app}"


def _on_event(event: str, app: str, deployment: UUID, parameters: dict[str, Any]) -> "Automation":
    from prefect.automations import Automation
    from prefect.events.actions import RunDeployment
    from prefect.events.schemas.automations import EventTrigger, Posture

    return Automation(
        name=_name(event, app),
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
    """A run whose process died sends no heartbeat: after three missing ones it is crashed.

    One that waits for a person has no process, and may wait for days.
    """
    from prefect.automations import Automation
    from prefect.client.schemas.objects import StateType
    from prefect.events.actions import ChangeFlowRunState
    from prefect.events.schemas.automations import EventTrigger, Posture

    return Automation(
        name=_ZOMBIES,
        description="Crashes flow runs whose process has stopped sending heartbeats.",
        trigger=EventTrigger(
            after={"prefect.flow-run.heartbeat"},
            expect={
                "prefect.flow-run.heartbeat",
                "prefect.flow-run.Completed",
                "prefect.flow-run.Failed",
                "prefect.flow-run.Cancelled",
                "prefect.flow-run.Crashed",
                "prefect.flow-run.Paused",
                "prefect.flow-run.Suspended",
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


async def _drop(name: str) -> None:
    from prefect.client.orchestration import get_client

    async with get_client() as client:
        for each in await client.read_automations_by_name(name):
            await client.delete_automation(each.id)


def _content(automation: "AutomationCore") -> dict[str, Any]:
    return automation.model_dump(mode="json", include={"name", "description", "trigger", "actions"})
