"""A real MLflow server on SQLite, started once, and an app to record in it."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from functools import partial
from types import SimpleNamespace

import httpx
import pytest

from benchmarks.ports import free_ports
from configs.schema.app import Parameters
from configs.schema.target import PromptTarget
from configs.settings import settings
from tasks.calling.answer import Answer, Latency, Outcome, Passage, Usage
from tasks.calling.asking import Spend
from tasks.candidate import Candidate, Prompt, TemplateMessage
from tasks.data.row import Dataset, Message, Row
from tasks.journal.journal import Journal
from tasks.results.evaluation import Evaluation
from tasks.results.rows_file import RowsWriter, read_frames
from tasks.results.store import Store
from tasks.scoring.score import Metric, Score
from tasks.statistics.estimates import estimate_all
from tasks.tracking.connection import connect
from tasks.workspace import Workspace

NOWHERE = "http://127.0.0.1:9"
METRICS = {
    "contains": Metric("contains", "quality", "higher", "1", "1 where the fact is in the answer."),
    "pii_leak": Metric("pii_leak", "harm", "lower", "1", "1 where the answer holds personal data."),
    "price": Metric("price", "cost", "lower", "1", "Price of an answer.", high=None, unit="USD"),
    "output_tokens": Metric("output_tokens", "cost", "lower", "1", "Tokens.", high=None, unit="tokens"),
    "latency_total": Metric("latency_total", "latency", "lower", "1", "Time.", high=None, unit="s"),
}


@pytest.fixture(scope="session")
def mlflow_uri(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mlflow")
    (port,) = free_ports(1)
    quiet = {
        "DO_NOT_TRACK": "true",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_MODEL_CATALOG_URI": "",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}"]
    command += ["--artifacts-destination", str(folder / "artifacts")]
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(command, env={**os.environ, **quiet}, stdout=log, stderr=log, start_new_session=True)
    uri = f"http://127.0.0.1:{port}"
    try:
        _wait(uri, server, folder / "log")
        yield uri
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(20)


def _wait(uri, server, log):
    for _ in range(600):
        assert server.poll() is None, log.read_text()
        try:
            if httpx.get(f"{uri}/health").is_success:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.2)
    raise AssertionError(log.read_text())


@pytest.fixture(scope="session")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(autouse=True)
def _settings(request, monkeypatch, home):
    """A test that asks for no server finds none: never the one of somebody's stack."""
    asked = "mlflow_uri" in request.fixturenames
    monkeypatch.setenv("LIFECYCLE_MLFLOW_URL", request.getfixturevalue("mlflow_uri") if asked else NOWHERE)
    monkeypatch.setenv("LIFECYCLE_HOME", str(home))
    settings.cache_clear()
    yield
    settings.cache_clear()


@pytest.fixture
def client(mlflow_uri):
    with connect() as client:
        yield client


def _prompt(text="방수인가요? {{ question }}", name="cited"):
    system = "Answer in one sentence.{% if documents %} Documents:\n{{ documents }}{% endif %}"
    return Prompt(
        name=name,
        messages=(
            TemplateMessage(role="system", template=system),
            TemplateMessage(role="user", template=text),
        ),
    )


def _candidate(app, **more):
    return Candidate(
        **{
            "app": app,
            "target": PromptTarget(kind="prompt"),
            "prompt": _prompt(),
            "model": "tiny",
            "endpoint_model": "tiny-1",
            "parameters": Parameters(temperature=0.5),
            **more,
        }
    )


def _rows(n):
    questions = ("Is the Larkspur waterproof?", "라크스퍼 텐트는 방수인가요?")
    return tuple(
        Row(
            f"r{number}",
            (Message("user", f"{questions[number % 2]} {number}"),),
            reference="yes, 3000 mm",
            cluster=f"c{number % 7}",
            answerable=number % 4 > 0,
            slices={"kind": ("fact", "사실")[number % 2]},
        )
        for number in range(n)
    )


def _evaluation(folder, app, n=10, failed=(), broken=(), harmful=(), name=None, **more):
    asked = _rows(n)
    answers, scores = [], []
    for at, row in enumerate(asked):
        if at in failed:
            answers.append(Answer(row.id, Outcome.APP_ERROR, cause="the endpoint answered 500"))
            scores += [Score(row.id, metric, None, "", Outcome.APP_ERROR) for metric in ("contains", "pii_leak")]
            continue
        text = "네, 3000 mm까지 방수입니다 [P01]" if at % 2 else "Yes, to 3000 mm [P01]"
        answers.append(
            Answer(
                row.id,
                Outcome.OK,
                text,
                messages=(Message("system", "Answer."), row.messages[-1]),
                context=(Passage("P01", "Larkspur: waterproof to 3000 mm", 0.9),),
                usage=Usage(120, 12),
                latency=Latency(0.25, 0.1, 0.01),
                price=0.0001,
            )
        )
        if at in broken:
            scores.append(Score(row.id, "contains", None, "no reference to compare with", Outcome.SCORER_ERROR))
        else:
            scores.append(Score(row.id, "contains", float(at % 3 > 0), f"사실 {at % 3}"))
        scores.append(Score(row.id, "pii_leak", float(at in harmful), "010-1234-5678" if at in harmful else ""))
    file = folder / f"{app}-{n}-{len(list(folder.iterdir()))}.parquet"
    with RowsWriter(file, ("kind",), ("contains", "pii_leak")) as writer:
        writer.write(asked, answers, scores)
    rows_frame, scores_frame = read_frames(file)
    chosen = _candidate(app, **more)
    estimates = estimate_all(rows_frame, scores_frame, METRICS, 0.95, ("kind",))
    name = name or f"{app}-{chosen.digest[:8]}-{n}"
    return Judged(name, name, chosen, "sample", "d1", "first", rows_frame, scores_frame, estimates, file)


def _dataset(app, n=10):
    return Dataset(app, "sample", "data/sample.jsonl", _rows(n), "d1")


@dataclass(frozen=True)
class Judged(Evaluation):
    """An evaluation that knows what its metrics mean."""

    metrics = METRICS


@pytest.fixture
def searching(tmp_path, make_app, make_candidate, home):
    """Makes a workspace whose model is simulated, and a candidate of it: right where it says the question again."""
    opened = []

    def make(address, name, rows=None, **options):
        loaded = make_app(address, **options)
        rows = rows or [(f"question number {at}", at % 4 > 0) for at in range(24)]
        lines = [
            {"id": f"e{at}", "question": text, "reference": text, "cluster": f"c{at // 2}", "answerable": answerable}
            for at, (text, answerable) in enumerate(rows)
        ]
        (tmp_path / "examples.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
        columns = {"reference": "reference", "cluster": "cluster", "answerable": "answerable"}
        datasets = loaded.app.datasets.model_copy(
            update={"examples": "examples.jsonl", "columns": loaded.app.datasets.columns.model_copy(update=columns)}
        )
        (tmp_path / "rows.jsonl").write_text(json.dumps({**lines[3], "id": "gate"}) + "\n", encoding="utf-8")
        app = loaded.app.model_copy(update={"datasets": datasets, "name": name})
        loaded = replace(loaded, app=app)
        journal = Journal(home / f"{name}.db")
        opened.append(journal)
        spend = Spend(loaded.app.budget)
        work = Workspace(loaded, "first", spend, journal, Store(home / "results" / name), home)
        return work, make_candidate(loaded, ("system", "Be wrong."), ("user", "{{question}}"))

    yield make
    for journal in opened:
        journal.close()


@pytest.fixture
def of_app():
    """Makes as much of a loaded app as recording needs."""

    def make(name):
        explore = SimpleNamespace(rank_by="contains")
        app = SimpleNamespace(name=name, description="A shop.", explore=explore)
        return SimpleNamespace(app=app, prices_as_of="2026-11-01")

    return make


@pytest.fixture
def prompt():
    """Makes a prompt with a condition and two languages."""
    return _prompt


@pytest.fixture
def candidate():
    """Makes a candidate of an app."""
    return _candidate


@pytest.fixture
def dataset():
    """Makes the dataset of an app's evaluation."""
    return _dataset


@pytest.fixture
def evaluation(tmp_path):
    """Makes an evaluation of `n` rows of an app.

    Those at `failed` were not answered, the scorer failed on those at `broken`, those at `harmful` hold personal data.
    """
    return partial(_evaluation, tmp_path)
