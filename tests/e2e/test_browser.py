"""What a person finds in the pages of Prefect and MLflow, in a real browser that reaches no other host."""

import re
import time

import httpx
import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.stack, pytest.mark.browser, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def prefect(stack, looped):
    """Address of Prefect's UI."""
    return f"http://127.0.0.1:{stack['LIFECYCLE_PREFECT_PORT']}"


@pytest.fixture(scope="module")
def experiment(stack, looped):
    """Address of the shop's experiment in MLflow's UI."""
    mlflow = f"http://127.0.0.1:{stack['LIFECYCLE_MLFLOW_PORT']}"
    found = httpx.get(f"{mlflow}/api/2.0/mlflow/experiments/get-by-name", params={"experiment_name": "shop"}).json()
    return f"{mlflow}/#/experiments/{found['experiment']['experiment_id']}"


def test_an_evaluation_is_started_by_hand_from_its_form(page, prefect, looped):
    deployment = httpx.get(f"{prefect}/api/deployments/name/evaluate/shop").json()["id"]
    page.goto(f"{prefect}/deployments/deployment/{deployment}/run")

    data = _field(page, "data")
    expect(data).to_contain_text("The data to ask.")
    expect(_field(page, "candidate")).to_contain_text("The latest candidate, the exploration's best, the champion")
    data.locator(".p-select-button__control").press("ArrowDown")
    expect(page.get_by_role("option")).to_have_text(["sample", "full", "redteam", "production"])
    page.get_by_role("option", name="sample").click()
    _field(page, "candidate").locator("textarea").fill("champion")
    asked = f"**/api/deployments/{deployment}/create_flow_run"
    # Prefect answers late while the loop's automations still run.
    with page.expect_response(asked, timeout=240_000) as answered:
        page.get_by_role("button", name="Submit").click()

    run = answered.value.json()["id"]
    _wait_until_completed(prefect, run)
    page.goto(f"{prefect}/runs/flow-run/{run}")
    expect(page.locator(".state-badge").first).to_have_text("Completed")
    expect(page.locator("body")).to_contain_text("evaluate · shop · sample · champion")
    page.get_by_text("Artifacts", exact=True).click()
    for artifact in ("shop-sample-estimates", "shop-sample-verdict", "shop-sample-mlflow"):
        expect(page.get_by_text(artifact, exact=True)).to_be_visible()

    page.get_by_text("shop-sample-verdict", exact=True).click()
    expect(page.get_by_role("heading", name="Rules")).to_be_visible()
    expect(page.get_by_role("cell", name="citation at least 0.6")).to_be_visible()


def test_a_value_that_no_form_allows_is_refused_before_it_runs(page, prefect, looped):
    deployment = httpx.get(f"{prefect}/api/deployments/name/evaluate/shop").json()["id"]
    page.goto(f"{prefect}/deployments/deployment/{deployment}/run")

    _field(page, "candidate").locator("textarea").fill("no such candidate!")
    page.get_by_role("button", name="Submit").click()

    expect(page.get_by_text("Validation failed for field 'candidate'").first).to_be_visible()
    assert page.url.endswith("/run")


def test_the_loop_shows_its_stages_and_its_page(page, prefect, looped):
    query = {"flows": {"name": {"any_": ["loop"]}}, "sort": "START_TIME_DESC", "limit": 1}
    run = httpx.post(f"{prefect}/api/flow_runs/filter", json=query).json()[0]["id"]
    page.goto(f"{prefect}/runs/flow-run/{run}")
    page.get_by_text("Subflow Runs", exact=True).click()
    for stage in ("validate", "explore", "augment", "evaluate", "monitor", "govern"):
        page.get_by_placeholder("Search by run name").fill(stage)
        expect(page.get_by_role("link", name=f"{stage} · shop").first).to_be_visible()

    page.get_by_text("Artifacts", exact=True).click()
    page.get_by_text("shop-loop", exact=True).click()
    expect(page.get_by_role("heading", name=f"shop: {looped['end']}")).to_be_visible()


def test_the_evaluation_is_a_run_with_its_estimates(page, experiment, looped):
    page.goto(f"{experiment}/evaluation-runs")
    expect(page.get_by_text("documents-careful").first).to_be_visible()

    page.goto(looped["links"]["evaluation"])
    for metric in ("contains", "contains.low", "contains.high", "contains.n"):
        expect(page.get_by_role("link", name=metric, exact=True)).to_be_visible()
    expect(page.locator("body")).to_contain_text("shop/full")
    expect(page.get_by_text("shop.careful (v1)")).to_be_visible()


def test_every_prompt_has_its_versions(page, experiment, looped):
    page.goto(f"{experiment}/prompts")
    expect(page.get_by_role("link", name="shop.careful", exact=True)).to_be_visible()
    page.get_by_role("link", name="shop.plain", exact=True).click()

    expect(page.get_by_text("Viewing version 1")).to_be_visible()
    expect(page.locator("body")).to_contain_text("{{question}}")


def test_every_row_is_a_trace(page, experiment, looped):
    page.goto(f"{experiment}/traces")

    expect(page.get_by_text(re.compile("item [0-9]+ weigh")).first).to_be_visible()
    expect(page.get_by_text("OK", exact=True).first).to_be_visible()


def _field(page, name):
    """A field of the form: its label, description, input and error."""
    label = re.compile(rf"^{name} \(Optional\)$")
    return page.locator(".schema-form-property").filter(
        has=page.locator(".schema-form-property__label").filter(has_text=label)
    )


def _wait_until_completed(prefect, run):
    for _ in range(600):
        found = httpx.get(f"{prefect}/api/flow_runs/{run}").json()
        if found["state"]["type"] in {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}:
            break
        time.sleep(0.5)
    assert found["state"]["type"] == "COMPLETED", found["state"]
