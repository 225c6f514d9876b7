"""A person's word on a release, asked for by a form in the Prefect UI: the run waits without a process."""

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from prefect.input import RunInput
from pydantic import Field

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from prefect.client.orchestration import PrefectClient
    from prefect.client.schemas.objects import FlowRun


class Approval(RunInput):
    """What a person says of a release."""

    approve: bool = Field(False, description="Let the candidate meet users. Left off, the release is declined.")
    who: str = Field(min_length=1, pattern=r"\S", description="Your name, for the release log.")
    why: str = Field(min_length=1, pattern=r"\S", description="The reason, for the release log.")


def can_wait() -> bool:
    """Returns whether the flow run around this can be suspended: only one of a deployment, and no run's part, can."""
    from prefect.context import FlowRunContext

    context = FlowRunContext.get()
    run = context.flow_run if context else None
    return run is not None and run.deployment_id is not None and run.parent_task_run_id is None


async def approval(page: str, release: str, parameters: dict[str, Any]) -> Approval:
    """Returns what a person has said of a release; until then the run is suspended, and its process ends.

    Whoever resumes it starts the flow again from its beginning, which finds what was done before. A run that failed
    after somebody had spoken, and is tried again, knows what was said.

    Args:
        page: Markdown that the form shows: what is to be decided on.
        release: id of the release.
        parameters: of the flow, naming the candidate by its digest: what is the latest one may be another by then.
    """
    from prefect.client.orchestration import get_client
    from prefect.flow_runs import asuspend_flow_run

    run, key = _this_run(), f"approval-{release[:12]}"
    async with get_client() as client:
        if (said := await _said(client, run.id, key)) is not None:
            return said
        await client.update_flow_run(run.id, parameters=parameters)
        await _forget_form(client, run.id, key)
    form = Approval.with_initial_data(description=page)
    return await asuspend_flow_run(wait_for_input=form, key=key)


def _this_run() -> "FlowRun":
    from prefect.context import FlowRunContext

    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        raise RuntimeError("only a flow run can wait for a person")
    return context.flow_run


async def _said(client: "PrefectClient", run: "UUID", key: str) -> Approval | None:
    with _missing_is_none():
        return Approval.model_validate_json(await client.read_flow_run_input(run, f"suspended-{key}-response"))
    return None


async def _forget_form(client: "PrefectClient", run: "UUID", key: str) -> None:
    """A run that is tried again has its form already, and Prefect takes none twice."""
    for part in ("schema", "description"):
        with _missing_is_none():
            await client.delete_flow_run_input(run, f"suspended-{key}-{part}")


@contextmanager
def _missing_is_none() -> "Iterator[None]":
    from httpx import HTTPStatusError, codes

    try:
        yield
    except HTTPStatusError as error:
        if error.response.status_code != codes.NOT_FOUND:
            raise


async def ask_in_ui(app: str, parameters: dict[str, Any]) -> str | None:
    """Has a run of the app's deployment `deploy` ask for approval, and returns its name.

    None where the Prefect server, or the deployment, is not there.

    Args:
        app: name of the app.
        parameters: of the flow `deploy`. A run that waits for the same ones already is returned instead.
    """
    from prefect.client.orchestration import get_client

    try:
        async with get_client() as client:
            deployment = await client.read_deployment_by_name(f"deploy/{app}")
            waiting = await _waiting(client, deployment.id, parameters)
            if waiting is not None:
                return waiting
            run = await client.create_flow_run_from_deployment(deployment.id, parameters=parameters)
            return str(run.name)
    except Exception:  # whatever it is, there is the command line
        return None


async def _waiting(client: "PrefectClient", deployment: Any, parameters: dict[str, Any]) -> str | None:
    from prefect.client.schemas.filters import (
        DeploymentFilter,
        DeploymentFilterId,
        FlowRunFilter,
        FlowRunFilterState,
        FlowRunFilterStateType,
    )
    from prefect.client.schemas.objects import StateType

    open_ = [StateType.SCHEDULED, StateType.PENDING, StateType.RUNNING, StateType.PAUSED]
    found = await client.read_flow_runs(
        deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=[deployment])),
        flow_run_filter=FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=open_))),
    )
    return next((str(run.name) for run in found if run.parameters.get("candidate") == parameters["candidate"]), None)
