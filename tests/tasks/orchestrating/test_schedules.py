"""What the configuration does not schedule any more, and what nobody ran for days, on a Prefect server."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.schedules import Cron
from prefect.testing.utilities import prefect_test_harness

from tasks.orchestrating.schedules import drop_missed, drop_schedule

HOURLY = "0 * * * *"


@pytest.fixture(scope="module", autouse=True)
def server():
    with prefect_test_harness(server_startup_timeout=120):
        yield


@flow(name="look")
def look():
    """Does nothing."""


async def registered(name, *schedules):
    deployment = await look.ato_deployment(name=name, schedules=list(schedules))
    return await deployment.aapply()


async def test_a_schedule_that_was_taken_out_of_the_configuration_ends_and_one_of_a_person_stays():
    await registered("shop", Cron(HOURLY, slug="monitor"), Cron("5 * * * *", slug="by hand"))
    id_ = await registered("shop")
    await drop_schedule(id_, "monitor")
    async with get_client() as client:
        assert [each.slug for each in await client.read_deployment_schedules(id_)] == ["by hand"]


async def test_of_what_was_due_meanwhile_the_newest_is_left():
    ids = [await registered(name, Cron(HOURLY, slug="monitor")) for name in ("garden", "helpdesk")]
    now = datetime.now(UTC)
    spans = [(now - timedelta(hours=6), now), (now, now + timedelta(hours=3))]
    async with get_client() as client:
        for id_, (start, end) in product(ids, spans):
            asked = {"start_time": str(start), "end_time": str(end)}
            await client.request("POST", "/deployments/{id}/schedule", path_params={"id": id_}, json=asked)
        started = await client.create_flow_run_from_deployment(ids[0])
        before = await client.read_flow_runs()
        await drop_missed(ids)
        after = await client.read_flow_runs()

    def due(runs, id_):
        missed = (run for run in runs if run.auto_scheduled and run.deployment_id == id_)
        return sorted(run.expected_start_time for run in missed if run.expected_start_time < now)

    for id_ in ids:
        assert len(due(before, id_)) > 2
        assert due(after, id_) == due(before, id_)[-1:]
    assert started.id in {run.id for run in after}, "what a person or an automation started is run"
    assert any(run.expected_start_time > now and run.auto_scheduled for run in after), "what is to come is left"
