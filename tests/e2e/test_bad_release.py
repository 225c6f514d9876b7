"""The walk through a bad release in docs/releasing.md, typed as it stands there, on a stack of its own."""

import contextlib
import re
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from playwright.sync_api import TimeoutError as Impatient
from playwright.sync_api import expect

FOR_DEAD_AFTER = timedelta(seconds=100)
"""Longer than a run that should have a process may go without a sign of life."""
PATIENCE_MS = 30_000  # as long as the page waits itself

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def walk(open_walk):
    return open_walk("releasing.md", "A bad release", "raincoats")


@pytest.fixture(scope="module")
def waiting(walk):
    """The run that waits, after the loop has proposed its candidate."""
    status, said = walk.type(walk.blocks[0])
    assert status == 0 and "on trial" in said and "waits for approval" in said, said
    return walk.wait_for(walk.waiting_run)


def test_a_release_that_waits_for_a_person_holds_no_process(walk, waiting):
    assert waiting["state"]["name"] == "Suspended"
    assert walk.log.entries()[-1].stage == "proposed"


def test_a_candidate_that_passes_its_gates_by_itself_is_deployed_up_to_the_approval(walk, waiting):
    wanted = {"automations": {"name": {"any_": ["lifecycle.evaluate.gates-passed · raincoats"]}}}
    (found,) = httpx.post(f"{walk.prefect}/api/automations/filter", json=wanted).raise_for_status().json()
    (action,) = found["actions"]
    deployment = httpx.get(f"{walk.prefect}/api/deployments/name/deploy/raincoats").raise_for_status().json()
    assert action["deployment_id"] == deployment["id"]
    assert action["parameters"]["candidate"]["template"] == "{{ event.payload.candidate }}"


@pytest.mark.browser
def test_a_person_agrees_in_the_form_after_everything_was_down(walk, waiting, page):
    status, said = walk.type("lifecycle down && lifecycle up")
    assert status == 0, said
    suspended = datetime.fromisoformat(waiting["state"]["timestamp"])
    walk.wait_for(lambda: datetime.now(UTC) - suspended > FOR_DEAD_AFTER, seconds=120)

    _offered(walk, page, waiting["id"]).click()
    form = page.locator(".p-modal")
    expect(form).to_contain_text("release: PASS")
    expect(form).to_contain_text("contains")
    form.get_by_role("switch").click()
    form.locator("textarea").nth(0).fill("minji")
    form.locator("textarea").nth(1).fill("both gates passed, and I read the rows")
    with page.expect_response(re.compile(rf"{waiting['id']}/resume$"), timeout=120_000) as sent:
        form.get_by_role("button", name="Submit").click()
    assert sent.value.json()["status"] == "ACCEPT", sent.value.text()

    walk.wait_for(lambda: any(entry.stage == "shadow" for entry in walk.log.entries()), seconds=240)
    (approved,) = (entry for entry in walk.log.entries() if entry.stage == "approved")
    assert (approved.who, approved.why) == ("minji (Prefect UI)", "both gates passed, and I read the rows")


def _offered(walk, page, run):
    """Returns the button of a run's page, which asks a server that did not answer only after 30 s again."""
    button = page.get_by_role("button", name="Resume")
    for _ in range(6):
        page.goto(f"{walk.prefect}/runs/flow-run/{run}")
        with contextlib.suppress(Impatient):
            button.wait_for(timeout=PATIENCE_MS)
            return button
    state = httpx.get(f"{walk.prefect}/api/flow_runs/{run}").json()["state"]
    raise AssertionError(f"nobody can resume the run: {state}")


def test_the_walk_ends_as_the_page_says(walk, waiting):
    _, approve, users, returns, _ = walk.blocks
    if walk.log.entries()[-1].stage == "proposed":  # without a browser nobody has agreed yet
        status, said = walk.type(approve)
        assert status == 0 and "approved" in said, said
    status, said = walk.type(users)
    assert status == 0 and said.count("answered by") == 2, said
    for step in ("shadow", "canary 20%", "canary 50%", "watch"):
        assert step in said, said
    status, said = walk.type(returns)
    assert "failed at" in said, said
    walk.wait_for(lambda: walk.log.entries()[-1].stage == "ended")
    status, said = walk.type(returns.splitlines()[1])
    assert "ended  rollout: error_rate is certainly worse than the champion's before it" in said, said
    champions = [entry.version for entry in walk.log.entries() if entry.kind == "commit"]
    assert champions[-1] == champions[0] != champions[1]
