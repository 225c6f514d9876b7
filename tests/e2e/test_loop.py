"""One turn of the loop over real servers, with a model whose answers make both gates say no and yes."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import openai
import pytest
import yaml
from mlflow import MlflowClient

from infra.simulator.behaviour import Behaviour
from infra.simulator.running import calls, requests, simulated

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]

_QUIET_S = 10
"""Seconds within which the end of a run has started the next one."""


@pytest.fixture(autouse=True, scope="module")
def _alone(looped, stack):
    """The broken limit starts work of its own in the background; the tests here count calls, so it ends first."""
    _wait_for_runs(stack, {"augment", "evaluate"})


def test_both_no_arrows_are_taken_and_the_third_candidate_is_released(looped):
    arrows = [(arrow["origin"], arrow["to"]) for arrow in looped["arrows"]]
    assert ("sample gate", "augment") in arrows
    assert ("release gate", "augment") in arrows
    assert arrows[-1] == ("release gate", "deploy")
    assert looped["end"] == "released"
    assert "documents-careful" in looped["champion_label"]


def test_runs_are_named_by_their_candidate_and_their_log_says_which_arrow_was_taken(looped, stack):
    api = f"http://127.0.0.1:{stack['LIFECYCLE_PREFECT_PORT']}/api"
    runs = httpx.post(f"{api}/flow_runs/filter", json={}).json()
    champion = looped["champion"][:8]
    for stage in ("evaluate", "deploy", "monitor", "govern", "loop"):
        names = [run["name"] for run in runs if run["name"].startswith(f"{stage} · shop")]
        assert any(name.endswith(champion) for name in names), names

    # Other apps that failed on purpose lie in folders of the same name.
    loop = next(run["id"] for run in runs if run["name"].startswith("loop · shop") and run["name"].endswith(champion))
    lines = httpx.post(f"{api}/logs/filter", json={"logs": {"flow_run_id": {"any_": [loop]}}}).json()
    assert '"no" at the sample gate → augment: documents' in [line["message"] for line in lines]


def test_every_gate_says_why(looped):
    for verdict in looped["verdicts"]:
        assert verdict["verdict"] in {"PASS", "FAIL", "INCONCLUSIVE"}
        for rule in verdict["rules"]:
            assert rule["reason"]
            assert rule["estimate"]["low"] <= rule["estimate"]["value"] <= rule["estimate"]["high"]


def test_the_hypothesis_is_judged_by_its_interval(looped):
    assert looped["hypothesis"]["decision"] in {"SUPPORTED", "REFUTED", "UNDECIDED"}
    assert "token_f1" in looped["hypothesis"]["reason"]


def test_the_second_run_calls_no_model_and_says_the_same(looped, lifecycle, shop, endpoint):
    before = calls(endpoint)
    again = lifecycle("run", "loop", "--app", str(shop), "--json")

    assert again.returncode == 0, again.stderr
    document = json.loads(again.stdout)
    assert document["calls"]["made"] == 0
    assert calls(endpoint) == before
    for key in ("turn", "end", "champion", "arrows", "estimates"):
        assert document[key] == looped[key]
    assert [v["verdict"] for v in document["verdicts"]] == [v["verdict"] for v in looped["verdicts"]]


def test_the_endpoint_serves_the_champion_as_the_openai_sdk_expects(looped, stack):
    client = openai.OpenAI(base_url=f"http://127.0.0.1:{stack['LIFECYCLE_ENDPOINT_PORT']}/v1", api_key="none")
    question = [{"role": "user", "content": "What does item 05 weigh?"}]

    whole = client.chat.completions.with_raw_response.create(model="shop", messages=question)
    pieces = client.chat.completions.create(model="shop", messages=question, stream=True)
    streamed = "".join(piece.choices[0].delta.content or "" for piece in pieces if piece.choices)

    assert whole.headers["x-lifecycle-candidate"] == looped["champion"]
    assert whole.parse().choices[0].message.content == streamed
    assert [model.id for model in client.models.list()] == ["shop"]


def test_a_broken_limit_starts_augment_and_evaluate_by_themselves(looped, stack):
    assert looped["monitored"]["broken"] == ["latency_total at most 0.001"]

    ended = _wait_for_runs(stack, {"augment", "evaluate"})

    assert {run["state_name"] for run in ended.values()} == {"Completed"}
    assert ended["evaluate"]["name"].startswith("evaluate · shop · sample")


def _wait_for_runs(stack, flows, within_s=250):
    """Returns the run of each flow that an automation started, once all have ended and none has started another."""
    api = f"http://127.0.0.1:{stack['LIFECYCLE_PREFECT_PORT']}/api"
    names = {flow["id"]: flow["name"] for flow in httpx.post(f"{api}/flows/filter", json={}).json()}
    quiet = 0
    for _ in range(within_s):
        runs = httpx.post(f"{api}/flow_runs/filter", json={"sort": "START_TIME_DESC"}).json()
        automatic = [run for run in runs if (run["created_by"] or {}).get("type") == "AUTOMATION"]
        ended = {names[run["flow_id"]]: run for run in automatic if run["end_time"]}
        quiet = quiet + 1 if flows <= set(ended) and all(run["end_time"] for run in automatic) else 0
        if quiet == _QUIET_S:
            return ended
        time.sleep(1)
    raise AssertionError(f"no automation ran {flows}; runs are {[run['name'] for run in runs]}")


def test_a_prompt_version_edited_in_mlflow_is_a_candidate(looped, stack, lifecycle, shop):
    client = MlflowClient(f"http://127.0.0.1:{stack['LIFECYCLE_MLFLOW_PORT']}")
    edited = client.register_prompt("shop.plain", [{"role": "user", "content": "Be kind. {{question}}"}])

    explored = lifecycle("run", "explore", "--app", str(shop), "--json")

    assert explored.returncode == 0, explored.stderr
    prompts = [row["prompt"] for row in json.loads(explored.stdout)["leaderboard"]]
    assert f"plain v{edited.version}" in prompts
    client.delete_prompt_version("shop.plain", str(edited.version))


def test_a_model_that_nobody_serves_is_left_out_of_an_exploration(looped, lifecycle, shop, tmp_path):
    other = tmp_path / "two-models"
    shutil.copytree(shop, other)
    models = yaml.safe_load((other / "models.yaml").read_text(encoding="utf-8"))
    models["gone"] = {**models["chat"], "base_url": "http://127.0.0.1:9/v1", "retries": 0}
    (other / "models.yaml").write_text(yaml.safe_dump(models), encoding="utf-8")
    prices = yaml.safe_load((other / "prices.yaml").read_text(encoding="utf-8"))
    prices["models"]["gone"] = {"input": 1, "output": 2}
    (other / "prices.yaml").write_text(yaml.safe_dump(prices), encoding="utf-8")

    done = lifecycle(
        "run", "explore", "--app", str(other), "--json", "--set", "name=two-models", "--set", "models=[gone, chat]"
    )

    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert {row["model"] for row in document["leaderboard"]} == {"chat"}
    assert len(document["failed"]) == 2
    assert all("refused the connection" in cause for cause in document["failed"].values())


def test_rollback_goes_back_to_the_bootstrap_and_the_loop_does_not_undo_it(looped, lifecycle, shop):
    back = lifecycle("rollback", "--app", str(shop), "--why", "a test")
    assert back.returncode == 0, back.stderr

    again = lifecycle("run", "loop", "--app", str(shop), "--json")
    document = json.loads(again.stdout)
    assert document["champion"] != looped["champion"]
    assert document["calls"]["made"] == 0

    forward = lifecycle("rollback", "--app", str(shop), "--to", "2", "--why", "the test is over")
    assert forward.returncode == 0, forward.stderr


def test_a_fresh_epoch_asks_again(looped, lifecycle, shop, endpoint):
    before = sum(calls(endpoint).values())
    done = lifecycle("run", "evaluate", "--app", str(shop), "--set", "candidate=champion", "--fresh", "--json")

    document = json.loads(done.stdout)
    assert document["verdict"] == "PASS", done.stderr
    assert document["calls"]["made"] > 0
    assert sum(calls(endpoint).values()) > before
    assert document["changed"] == []


@pytest.mark.fault
def test_a_killed_loop_finishes_when_it_is_typed_again(stack, lifecycle, shop, endpoint, tmp_path):
    """Killed at three moments: nothing that was answered is asked again, no row is lost."""
    other = tmp_path / "killed"
    shutil.copytree(shop, other)
    text = (other / "app.yaml").read_text(encoding="utf-8")
    (other / "app.yaml").write_text(text.replace("name: shop", "name: killed"), encoding="utf-8")
    command = [sys.executable, "-m", "infra.cli.main", "run", "loop", "--app", str(other), "--json"]
    # The shop has asked the same of the same model: an epoch of its own makes this one ask again.
    (Path(stack["LIFECYCLE_HOME"]) / "results/killed").mkdir(parents=True)
    (Path(stack["LIFECYCLE_HOME"]) / "results/killed/epoch").write_text("killed", encoding="utf-8")
    before = sum(calls(endpoint).values())
    for seconds in (4, 6, 8):
        process = subprocess.Popen(
            command, env=stack, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        time.sleep(seconds)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    done = lifecycle("run", "loop", "--app", str(other), "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["end"] == "released"
    evaluated = 4 * 12 + 3 * 28  # candidates × rows of sample and full
    vectors = 12 + 28 + 2  # questions, and two batches of documents
    smoke_tests = 2 * 2
    in_flight_at_the_kills = 3 * 8
    asked = sum(calls(endpoint).values()) - before
    assert evaluated <= asked <= evaluated + vectors + smoke_tests + in_flight_at_the_kills


def test_an_app_is_evaluated_against_any_endpoint_and_progress_is_an_artifact(looped, stack, lifecycle, shop):
    with simulated(Behaviour(latency_s=0.1)) as address:
        done = lifecycle(
            *("run", "evaluate", "--app", str(shop), "--json", "--set", "candidate=best"),
            *("--base-url", address, "--model", "somebody-elses"),
        )
        document = json.loads(done.stdout)
        assert done.returncode in (0, 3, 4), done.stderr
        assert "somebody-elses" in document["label"]
        assert (
            document["calls"]["made"] == document["expected"]["calls"] == calls(address)["/v1/chat/completions"] == 12
        )
        assert {request["model"] for request in requests(address)} == {"somebody-elses"}

    api = f"http://127.0.0.1:{stack['LIFECYCLE_PREFECT_PORT']}/api"
    found = httpx.post(f"{api}/artifacts/latest/filter", json={}).json()
    progress = next(each for each in found if each["key"] == "shop-sample-progress")
    assert progress["type"] == "progress"
    assert progress["description"].startswith("12 of 12 rows, ")
