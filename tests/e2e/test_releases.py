"""Over real servers: an alias moved by hand in MLflow, the page of a release, and an endpoint that is killed."""

import json
import os
import signal
import time
from pathlib import Path

import httpx
import mlflow
import pytest

from tasks.releasing.log import ReleaseLog

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]


@pytest.fixture
def log(stack):
    return ReleaseLog(Path(stack["LIFECYCLE_HOME"]) / "releases" / "shop.jsonl")


def health(stack):
    return httpx.get(f"http://127.0.0.1:{stack['LIFECYCLE_ENDPOINT_PORT']}/health", trust_env=False).json()


def wait_until(holds):
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline, "it never came to hold"
        time.sleep(0.2)


def test_an_alias_moved_by_hand_to_a_version_without_gates_is_moved_back_and_logged(looped, stack, log):
    client = mlflow.MlflowClient(f"http://127.0.0.1:{stack['LIFECYCLE_MLFLOW_PORT']}")
    champion = log.committed()
    before = len(log.entries())
    first = client.get_model_version("shop", "1")
    made = client.create_model_version("shop", first.source, first.run_id)
    client.set_registered_model_alias("shop", "champion", made.version)
    wait_until(lambda: len(log.entries()) == before + 2)
    moved, closed = log.entries()[-2:]
    assert (moved.kind, moved.version, closed.kind) == ("alias_moved", int(made.version), "abort")
    assert closed.why == f"version {made.version} was not registered from a candidate"
    assert int(client.get_model_version_by_alias("shop", "champion").version) == champion.version
    assert health(stack)["champion"]["candidate"] == champion.candidate


def test_an_alias_removed_by_hand_is_put_back(looped, stack, log):
    client = mlflow.MlflowClient(f"http://127.0.0.1:{stack['LIFECYCLE_MLFLOW_PORT']}")
    champion = log.committed()
    before = len(log.entries())
    client.delete_registered_model_alias("shop", "champion")
    wait_until(lambda: len(log.entries()) == before + 2)
    assert int(client.get_model_version_by_alias("shop", "champion").version) == champion.version


def test_the_page_of_the_release_names_data_gates_and_metrics(looped):
    page = Path(looped["links"]["page"]).read_text(encoding="utf-8")
    assert f"| candidate | {looped['champion']} |" in page
    assert "## Metrics on shop/" in page and "| contains | " in page
    assert "smoke test (endpoint)" in page and "Intact: " in page


@pytest.mark.fault
def test_a_killed_endpoint_comes_back_with_the_champion(looped, stack, lifecycle, log):
    status = {part["name"]: part for part in json.loads(lifecycle("status", "--json").stdout)}
    os.kill(status["endpoint"]["pid"], signal.SIGKILL)

    def back():
        try:
            return health(stack)["champion"]
        except httpx.TransportError:
            return None

    wait_until(back)
    assert back()["candidate"] == log.committed().candidate
