"""Schedules on the Prefect server as the configuration has them, and what was due while nobody ran it."""

from collections.abc import Collection
from datetime import UTC, datetime
from uuid import UUID

_DUE = ("Scheduled", "Late")


async def drop_schedule(deployment: UUID, slug: str) -> None:
    """Deletes the schedule of this name, and its runs to come: registering a deployment adds schedules, no more.

    Args:
        deployment: its id.
        slug: the schedule's name; what people have scheduled in Prefect has another one, and stays.
    """
    from prefect.client.orchestration import get_client

    async with get_client() as client:
        for each in await client.read_deployment_schedules(deployment):
            if each.slug == slug:
                await client.delete_deployment_schedule(deployment, each.id)


async def drop_missed(deployments: Collection[UUID]) -> None:
    """Deletes the scheduled runs that were due meanwhile, but for each deployment's newest.

    After a week without this process seven evaluations would ask everything seven times, and be paid for.
    """
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import (
        DeploymentFilter,
        DeploymentFilterId,
        FlowRunFilter,
        FlowRunFilterExpectedStartTime,
        FlowRunFilterState,
        FlowRunFilterStateName,
    )
    from prefect.client.schemas.sorting import FlowRunSort

    due = FlowRunFilter(
        state=FlowRunFilterState(name=FlowRunFilterStateName(any_=list(_DUE))),
        expected_start_time=FlowRunFilterExpectedStartTime(before_=datetime.now(UTC)),
    )
    ours = DeploymentFilter(id=DeploymentFilterId(any_=list(deployments)))
    async with get_client() as client:
        while True:
            newest_first = FlowRunSort.EXPECTED_START_TIME_DESC
            runs = await client.read_flow_runs(flow_run_filter=due, deployment_filter=ours, sort=newest_first)
            kept: set[UUID | None] = set()
            missed = []
            for run in runs:
                if run.auto_scheduled and run.deployment_id in kept:
                    missed.append(run.id)
                elif run.auto_scheduled:
                    kept.add(run.deployment_id)
            if not missed:
                return
            for each in missed:
                await client.delete_flow_run(each)
