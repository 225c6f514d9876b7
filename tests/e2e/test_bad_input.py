"""Bad input, typed at the command: one line that says what, where and what to do; nothing half-written."""

import json
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import mlflow
import pytest
import yaml

from infra.simulator.behaviour import Behaviour, Fault
from infra.simulator.running import calls, simulated

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]

CHAT = "/v1/chat/completions"


class Copy:
    """A copy of the shop under a name of its own."""

    def __init__(self, folder, name):
        self.folder, self.name = folder, name
        self.change_app(lambda app: app.update(name=name))

    def change_app(self, change):
        self._change("app.yaml", change)

    def move_model(self, base_url):
        """Lets the chat model be at another address, where a failure is not tried again."""
        self._change("models.yaml", lambda models: models["chat"].update(base_url=base_url, retries=0))

    def rows(self, name="sample"):
        return [json.loads(line) for line in (self.folder / f"data/{name}.jsonl").read_text().splitlines()]

    def write_rows(self, rows, name="sample"):
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (self.folder / f"data/{name}.jsonl").write_text(text, encoding="utf-8")

    def _change(self, file, change):
        content = yaml.safe_load((self.folder / file).read_text(encoding="utf-8"))
        change(content)
        (self.folder / file).write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")


@pytest.fixture
def copy(shop, tmp_path, request):
    """A copy of the shop, named after the test."""
    name = "".join(c if c.isalnum() else "-" for c in request.node.name.removeprefix("test_").lower())[-38:].strip("-")
    return Copy(Path(shutil.copytree(shop, tmp_path / "shop")), f"x{name}")


@pytest.fixture
def refused(lifecycle):
    """Runs a stage that must be refused; returns the one line that says why."""

    def run(copy, status, stage="validate", *arguments, **environment):
        done = lifecycle("run", stage, "--app", str(copy.folder), *arguments, timeout=120, **environment)
        assert done.returncode == status, done.stderr
        errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
        assert len(errors) == 1, done.stderr
        assert done.stderr.splitlines()[-1] == errors[0]
        assert "Traceback" not in done.stderr
        assert done.stdout == ""
        return errors[0]

    return run


def evaluations(stack, copy):
    return list((Path(stack["LIFECYCLE_HOME"]) / "results" / copy.name).glob("evaluations/*"))


def finished_runs(stack, copy, kind):
    client = mlflow.MlflowClient(f"http://127.0.0.1:{stack['LIFECYCLE_MLFLOW_PORT']}")
    experiment = client.get_experiment_by_name(copy.name)
    if experiment is None:
        return []
    return [
        run for run in client.search_runs([experiment.experiment_id]) if run.data.tags.get("lifecycle.kind") == kind
    ]


# A fresh folder with nothing up: what needs no server is said before one is started.


@pytest.fixture
def nothing_up(tmp_path):
    """Environment in which nothing is up; nothing may be started in it."""
    yield {"LIFECYCLE_HOME": str(tmp_path / "home")}
    assert not (tmp_path / "home").exists()


CONFIGURATIONS = {
    "an unknown key": (
        lambda app: app.update(promts=["plain.prompty"]),
        ["app.yaml", "`promts`", "prompts"],
    ),
    "a missing dataset": (
        lambda app: app["datasets"].update(full="data/all.jsonl"),
        ["app.yaml", "data/all.jsonl", "does not exist; create it or mend the name"],
    ),
    "an unknown model": (
        lambda app: app.update(models=["gpt-9"]),
        ["app.yaml", "`models.0`", "unknown model 'gpt-9'", "known are chat", "models.yaml"],
    ),
    "a leaderboard by an unknown metric": (
        lambda app: app["explore"].update(rank_by="beauty"),
        ["`explore.rank_by`", "unknown metric 'beauty'", "known are", "token_f1"],
    ),
}


@pytest.mark.parametrize("what", CONFIGURATIONS)
def test_a_configuration_is_refused_before_anything_is_started(copy, refused, nothing_up, what):
    change, said = CONFIGURATIONS[what]
    copy.change_app(change)
    error = refused(copy, 2, "evaluate", **nothing_up)
    for part in said:
        assert part in error


def test_a_change_that_cannot_be_meant_is_refused_before_anything_is_started(copy, refused, nothing_up):
    assert "'promts' is neither a parameter of evaluate" in refused(
        copy, 2, "evaluate", "--set", "promts=1", anew=True, **nothing_up
    )
    assert "--set" in refused(copy, 2, "evaluate", "--set", "data=everything", **nothing_up)
    assert "`loop.max_rounds`" in refused(copy, 2, "loop", "--set", "loop.max_rounds=0", **nothing_up)


def test_an_app_that_is_not_there_is_refused(copy, refused, nothing_up):
    shutil.move(copy.folder / "app.yaml", copy.folder / "App.yml")
    assert "app.yaml exists; known are outfitter" in refused(copy, 2, **nothing_up)


def _broken_line(copy):
    file = copy.folder / "data/sample.jsonl"
    lines = file.read_text(encoding="utf-8").splitlines()
    file.write_text("\n".join([*lines[:2], lines[2][:30], *lines[3:]]), encoding="utf-8")


def _missing_column(copy):
    copy.write_rows([{key: value for key, value in row.items() if key != "reference"} for row in copy.rows()])


def _twice_an_id(copy):
    rows = copy.rows()
    copy.write_rows([*rows, {**rows[0], "question": "또 같은 번호인가요?"}])


def _no_rows(copy):
    copy.write_rows([])


def _shared_row(copy):
    copy.write_rows([*copy.rows("full"), copy.rows()[0]], "full")


def _unknown_document(copy):
    rows = copy.rows()
    rows[3]["documents"] = ["D99"]
    copy.write_rows(rows)


DATASETS = {
    "a broken line": (_broken_line, ["sample.jsonl line 3", "JSON"]),
    "a missing column": (_missing_column, ["sample.jsonl", "no column 'reference'", "columns present are", "add it"]),
    "an id twice": (_twice_an_id, ["sample.jsonl", "id 'r01' on line 1 and again on line 13", "its own id"]),
    "no rows": (_no_rows, ["sample.jsonl", "holds no rows"]),
    "a row in two datasets": (_shared_row, ["r01", "mend the file"]),
    "a document that is not there": (_unknown_document, ["r04", "D99", "mend the file"]),
}


@pytest.mark.parametrize("what", DATASETS)
def test_a_dataset_is_refused_and_its_line_or_rows_named(stack, endpoint, copy, refused, what):
    spoil, said = DATASETS[what]
    spoil(copy)
    before = calls(endpoint)
    error = refused(copy, 1, "evaluate")
    for part in said:
        assert part in error
    assert calls(endpoint) == before
    assert evaluations(stack, copy) == []


def test_a_prompt_variable_without_a_column_is_refused_before_anything_is_asked(stack, endpoint, copy, refused):
    (copy.folder / "plain.prompty").write_text("user:\n{{season}} {{question}}\n", encoding="utf-8")
    before = calls(endpoint)
    error = refused(copy, 2, "explore")
    assert "prompt plain: variable 'season' is no column of" in error
    assert "sample.jsonl; columns are answerable, cluster" in error
    assert calls(endpoint) == before
    assert evaluations(stack, copy) == []


def test_a_byte_order_mark_and_windows_line_ends_are_accepted(stack, lifecycle, copy):
    rows = copy.rows()
    rows[0]["question"] = "물건 01의 무게는 얼마입니까?"
    copy.write_rows(rows)
    digests = []
    for ends in ("\n", "\r\n"):
        for name in ("data/sample.jsonl", "data/full.jsonl", "documents.jsonl"):
            text = (copy.folder / name).read_text(encoding="utf-8-sig").replace("\r\n", "\n").replace("\n", ends)
            (copy.folder / name).write_bytes(text.encode("utf-8-sig" if ends == "\r\n" else "utf-8"))
        done = lifecycle("run", "validate", "--app", str(copy.folder), "--json")
        assert done.returncode == 0, done.stderr
        digests.append(json.loads(done.stdout)["datasets"])
    assert digests[0] == digests[1]


FAULTS = {
    "unauthorized": ["answered 401, not authorized", "`api_key_env`"],
    "not_found": ["answered 404", "check `model` and `base_url`"],
    "rate_limited": ["answered 429, too many requests", "lower `concurrency`"],
    "server_error": ["answered 500", "try again later"],
    "html": ["answered HTML instead of JSON", "check `base_url`"],
    "half_json": ["gave a reply that cannot be read", "try again"],
}


@pytest.mark.parametrize("kind", FAULTS)
def test_an_endpoint_that_answers_no_row_ends_the_evaluation_in_one_line(stack, copy, refused, kind):
    with simulated(Behaviour(faults=(Fault(kind=kind),))) as address:
        copy.move_model(address)
        error = refused(copy, 1, "evaluate")
    assert f"answered no row of {copy.name}/sample: model simulated at {address}" in error
    for part in FAULTS[kind]:
        assert part in error
    assert evaluations(stack, copy) == []
    assert finished_runs(stack, copy, "evaluation") == []


def test_an_endpoint_that_refuses_the_connection_ends_any_stage_in_one_line(stack, copy, refused):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{probe.getsockname()[1]}/v1"
        copy.move_model(address)
        for stage in ("evaluate", "loop"):
            error = refused(copy, 1, stage)
            assert f"model simulated at {address}: refused the connection; start it or mend the address" in error
    assert evaluations(stack, copy) == []
    assert not (Path(stack["LIFECYCLE_HOME"]) / "releases" / f"{copy.name}.jsonl").exists()


def test_rows_that_fail_lower_the_coverage_and_the_gate_does_not_decide(stack, lifecycle, copy):
    with simulated(Behaviour(faults=(Fault(kind="too_long", contains="item 03"),))) as address:
        copy.move_model(address)
        done = lifecycle("run", "evaluate", "--app", str(copy.folder), "--json")
    assert done.returncode == 4, done.stderr
    document = json.loads(done.stdout)
    assert document["verdict"] == "INCONCLUSIVE"
    assert document["calls"]["failed"] == 1
    covered = {each["metric"]: each["coverage"] for each in document["estimates"] if each["slice"] is None}
    assert covered["contains"] == pytest.approx(11 / 12)
    assert len(evaluations(stack, copy)) == 1


def test_two_runs_at_once_are_one(stack_environment, stack, copy):
    with simulated(Behaviour(latency_s=0.5)) as address:
        copy.move_model(address)
        command = [sys.executable, "-m", "infra.cli.main", "run", "evaluate", "--app", str(copy.folder), "--json"]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        two = [subprocess.Popen(command, env=stack_environment, **pipes) for _ in range(2)]
        ended = [(process.communicate(timeout=120), process.returncode) for process in two]
        assert calls(address)[CHAT] == len(copy.rows())
    documents = [json.loads(stdout) for (stdout, _), _ in ended]
    assert ended[0][1] == ended[1][1]
    for key in ("evaluation", "verdict", "candidate", "estimates", "links"):
        assert documents[0][key] == documents[1][key]
    assert sorted(document["calls"]["made"] for document in documents) == [0, len(copy.rows())]
    assert len(finished_runs(stack, copy, "evaluation")) == 1


@pytest.fixture
def disk(tmp_path):
    """A small disk and a way to make it larger."""
    folder = tmp_path / "disk"
    folder.mkdir()

    def resize(kib, how="remount,"):
        return subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"{how}size={kib}k", "tmpfs", folder], check=False, capture_output=True
        ).returncode

    if resize(96, how=""):
        pytest.skip("a disk can only be mounted as root")
    yield folder, resize
    subprocess.run(["umount", folder], check=True)


@pytest.mark.fault
def test_a_full_disk_ends_in_one_line_and_the_same_command_finishes_once_there_is_room(stack, lifecycle, copy, disk):
    folder, resize = disk
    elsewhere = {
        "LIFECYCLE_HOME": str(folder),
        "LIFECYCLE_PREFECT_URL": f"http://127.0.0.1:{stack['LIFECYCLE_PREFECT_PORT']}/api",
        "LIFECYCLE_MLFLOW_URL": f"http://127.0.0.1:{stack['LIFECYCLE_MLFLOW_PORT']}",
    }
    kept = []
    with simulated() as address:
        copy.move_model(address)
        for size in (96, 160):
            assert resize(size) == 0
            done = lifecycle("run", "evaluate", "--app", str(copy.folder), timeout=120, **elsewhere)
            if done.returncode not in (0, 3, 4):
                error = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
                assert done.returncode == 1
                assert len(error) == 1, done.stderr
                assert str(folder) in error[0]
                assert "free" in error[0]
                kept.append(error[0])
        assert kept, "the disk was never full"
        assert resize(20_000) == 0
        done = lifecycle("run", "evaluate", "--app", str(copy.folder), "--json", timeout=120, **elsewhere)
        document = json.loads(done.stdout)
        assert document["rows"] == {"used": 12, "available": 12}
        # Each time, what was answered since the last commit was not kept: here all twelve, a moment's work.
        assert calls(address)[CHAT] <= 12 * (1 + len(kept))
