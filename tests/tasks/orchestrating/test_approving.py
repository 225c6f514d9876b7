"""The form by which a person approves, on a Prefect server: without who and why it is not taken."""

import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.input.run_input import keyset_from_paused_state
from prefect.states import Suspended
from prefect.testing.utilities import prefect_test_harness

from tasks.orchestrating import approving
from tasks.orchestrating.approving import Approval, approval

RELEASE = "a-release-id"


@pytest.fixture(scope="module", autouse=True)
def server():
    with prefect_test_harness(server_startup_timeout=120):
        yield


@flow(name="deploy")
def deploy():
    """Does nothing."""


@pytest.fixture
async def waiting():
    """A run that waits for the form to be filled in."""
    deployment = await (await deploy.ato_deployment(name="shop")).aapply()
    async with get_client() as client:
        run = await client.create_flow_run_from_deployment(deployment)
        state = Suspended(pause_key=f"approval-{RELEASE[:12]}")
        state.state_details.run_input_keyset = keyset_from_paused_state(state)
        await client.set_flow_run_state(run.id, state, force=True)
        await Approval.with_initial_data(description="a page").asave(state.state_details.run_input_keyset, run.id)
    return run


async def sent(run, **said):
    async with get_client() as client:
        return await client.resume_flow_run(run.id, run_input=said)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"approve": True}, "is a required property"),
        ({"approve": True, "who": "minji"}, "'why' is a required property"),
        ({"approve": True, "who": "", "why": "I read the rows"}, "field 'who'. Failure reason: '' should be non-empty"),
        ({"who": "minji", "why": "  "}, "field 'why'"),
    ],
    ids=["nothing", "no reason", "an empty name", "a blank reason"],
)
async def test_a_form_without_who_or_why_is_refused_and_the_run_waits_on(waiting, said, reason):
    answer = await sent(waiting, **said)
    assert answer.status.value == "REJECT" and reason in answer.details.reason
    async with get_client() as client:
        assert (await client.read_flow_run(waiting.id)).state.is_paused()


async def test_what_a_person_wrote_is_what_the_run_finds_when_it_goes_on(waiting, monkeypatch):
    assert (await sent(waiting, who="minji", why="not on a Friday")).status.value == "ACCEPT"
    monkeypatch.setattr(approving, "_this_run", lambda: waiting)
    said = await approval("a page", RELEASE, {})
    assert (said.approve, said.who, said.why) == (False, "minji", "not on a Friday")
