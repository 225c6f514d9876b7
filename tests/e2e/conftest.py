"""The whole local stack, started once, an app whose model is a simulated endpoint, and a browser."""

import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
import yaml
from playwright.sync_api import expect, sync_playwright

from benchmarks.own_stack import own_environment
from infra.simulator.behaviour import Behaviour, Rule
from infra.simulator.running import simulated
from tasks.releasing.log import ReleaseLog

ROOT = Path(__file__).parents[2]

CHROMIUM = next((path for name in ("chromium", "google-chrome") if (path := shutil.which(name))), None)
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
# MLflow opens a chat panel and a guide at the first visit; these are the marks it keeps once they were closed.
VISITED = """
    for (const [key, value] of Object.entries({
        "mlflow.assistant.fab.autoOpenedOnFirstLoad_v1": "true",
        "mlflow.assistant.panelOpen_v1": "false",
        "mlflow.detectIssues.guidanceShown_v1": "true",
    })) localStorage.setItem(key, value);
"""
PATIENCE_MS = 30_000

# Without documents the simulated model repeats the question; with them it repeats the first document and its id. A
# question that says "hard" is answered only where the prompt says "carefully".
BEHAVIOUR = Behaviour(
    dimensions=1024,
    latency_s=0.02,
    rules=(
        Rule(contains="carefully: What is the hard", answer="It is 42. [D01]"),
        Rule(contains="hard", answer="It is 7. [D01]"),
    ),
)


def pytest_collection_modifyitems(items):
    """Skips what drives a browser before anything is started for it."""
    if CHROMIUM is not None:
        return
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.skip(reason="needs chromium or google-chrome on the PATH"))


@pytest.fixture(scope="session")
def stack_environment(tmp_path_factory, shop):
    """Environment of a stack of its own: folder, ports, and the shop as the app it serves."""
    return {**own_environment(tmp_path_factory.mktemp("stack") / "home"), "LIFECYCLE_APP": str(shop)}


class _Preloaded:
    """The command, forked from a process that has imported what it imports."""

    def __init__(self, environment, folder):
        self._environment, self._folder = environment, folder
        script = str(Path(__file__).with_name("preloaded_command.py"))
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "bufsize": 1}
        self.process = subprocess.Popen([sys.executable, script], env=environment, cwd=ROOT, **pipes)

    def run(self, arguments, timeout, environment):
        files = {name: self._folder / name for name in ("stdout", "stderr")}
        environment = {**self._environment, **environment}
        request = {"arguments": arguments, "environment": environment, "timeout": timeout}
        print(json.dumps(request | {name: str(file) for name, file in files.items()}), file=self.process.stdin)
        status = int(self.process.stdout.readline())
        said = {name: file.read_text(encoding="utf-8") for name, file in files.items()}
        return subprocess.CompletedProcess(arguments, status, **said)


@pytest.fixture(scope="session")
def _preloaded(stack_environment, tmp_path_factory):
    command = _Preloaded(stack_environment, tmp_path_factory.mktemp("command"))
    yield command
    command.process.stdin.close()
    command.process.wait()


@pytest.fixture(scope="session")
def lifecycle(stack_environment, _preloaded):
    """Runs the command as a person would; returns the finished process.

    `anew` starts Python for it; else it is forked from a process that has imported what it imports.
    """

    def run(*arguments, timeout=580, anew=False, **environment):
        if not anew:
            return _preloaded.run(arguments, timeout, environment)
        return subprocess.run(
            [sys.executable, "-m", "infra.cli.main", *arguments],
            check=False,
            env={**stack_environment, **environment},
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=timeout,
        )

    return run


@pytest.fixture(scope="session")
def stack(lifecycle, stack_environment):
    """The whole stack, up; yields its environment."""
    started = lifecycle("up")
    assert started.returncode == 0, started.stderr
    yield stack_environment
    assert lifecycle("down").returncode == 0


@pytest.fixture(scope="session")
def looped(stack, lifecycle, shop):
    """The document of a finished loop over the shop."""
    done = lifecycle("run", "loop", "--app", str(shop), "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="session")
def endpoint():
    """Address of the simulated model endpoint."""
    with simulated(BEHAVIOUR) as address:
        yield address


@pytest.fixture(scope="session")
def shop(tmp_path_factory, endpoint):
    """Folder of the app `shop`: it meets both "no" arrows, and its third candidate passes both gates."""
    folder = tmp_path_factory.mktemp("apps") / "shop"
    (folder / "data").mkdir(parents=True)
    documents = [{"id": f"D{n:02}", "text": f"Item {n:02} weighs {100 + n} grams."} for n in range(1, 41)]
    rows = [
        {
            "id": f"r{n:02}",
            "question": f"What does item {n:02} weigh?",
            "reference": f"Item {n:02} weighs {100 + n} grams. [D{n:02}]",
            "fact": f"{100 + n} grams",
            "documents": [f"D{n:02}"],
            "cluster": f"D{n:02}",
            "answerable": True,
            "kind": "easy",
        }
        for n in range(1, 41)
    ]
    hard = [
        {
            "id": f"h{n:02}",
            "question": f"What is the hard code number {n:02}?",
            "reference": "It is 42. [D01]",
            "fact": "42",
            "documents": ["D01"],
            "cluster": f"hard{n:02}",
            "answerable": True,
            "kind": "hard",
        }
        for n in range(1, 11)
    ]
    _write(folder / "documents.jsonl", documents)
    _write(folder / "data/sample.jsonl", rows[:12])
    _write(folder / "data/full.jsonl", rows[12:30] + hard)
    production = [{**row, "question": f"Please: {row['question']}"} for row in rows[30:]]
    _write(folder / "data/production.jsonl", production)
    (folder / "plain.prompty").write_text("user:\n{{documents}}\n{{question}}\n", encoding="utf-8")
    (folder / "careful.prompty").write_text("user:\n{{documents}}\ncarefully: {{question}}\n", encoding="utf-8")
    model = {"kind": "openai", "base_url": f"{endpoint}", "model": "simulated", "timeout_s": 20}
    models = {"chat": model, "vectors": {**model, "task": "embedding"}}
    (folder / "models.yaml").write_text(yaml.safe_dump(models), encoding="utf-8")
    priced = {"chat": {"input": 1, "output": 2}, "vectors": {"input": 0, "output": 0}}
    prices = {"as_of": "2026-11-23", "models": priced}
    (folder / "prices.yaml").write_text(yaml.safe_dump(prices), encoding="utf-8")
    (folder / "app.yaml").write_text(yaml.safe_dump(_app(), sort_keys=False), encoding="utf-8")
    return folder


def _app():
    enough = [{"metric": "contains", "at_least": 0.6}, {"metric": "citation", "at_least": 0.6}]
    beside = [{"metric": "contains", "not_worse_than_champion_by": 0.1}]
    return {
        "name": "shop",
        "description": "Answers what items weigh.",
        "target": {"kind": "prompt"},
        "prompts": ["plain.prompty", "careful.prompty"],
        "models": ["chat"],
        "datasets": {
            "sample": "data/sample.jsonl",
            "full": "data/full.jsonl",
            "production": "data/production.jsonl",
            "columns": {
                "reference": "reference",
                "documents": "documents",
                "cluster": "cluster",
                "answerable": "answerable",
                "slices": ["kind"],
            },
        },
        "retrieval": {"documents": "documents.jsonl", "embedding_model": "vectors"},
        "scorers": [
            {"name": "contains", "settings": {"column": "fact"}},
            {"name": "token_f1"},
            {"name": "citation"},
            {"name": "pii_leak"},
        ],
        "gates": {
            "sample": {"confidence": 0.8, "rules": enough},
            "release": {"rules": [*enough, *beside]},
        },
        "explore": {
            "rank_by": "token_f1",
            "hypothesis": {
                "statement": "A model that is told to be careful comes closer to the reference.",
                "metric": "token_f1",
                "treatment": "careful",
                "control": "plain",
                "expected_difference": 0.05,
            },
        },
        "augment": {
            "moves": [
                {"name": "documents", "prompt": "plain", "top_k": 1},
                {"name": "documents-careful", "prompt": "careful", "top_k": 1},
                {"name": "more-documents", "prompt": "careful", "top_k": 2},
            ]
        },
        "monitor": {"min_requests": 5, "limits": [{"metric": "latency_total", "at_most": 0.001}]},
        "budget": {"calls": 2000},
    }


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)


@pytest.fixture
def page(browser):
    """An empty page; a request to any other host than this one is refused."""
    context = browser.new_context(viewport={"width": 1440, "height": 1000})
    context.add_init_script(VISITED)
    context.route(re.compile(r"^https?://(?!127\.0\.0\.1[:/])"), lambda route: route.abort())
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    yield page
    context.close()


def _write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


class _Walk:
    """A walk of the guides: its shell blocks, and a shell with a stack of its own into which they are typed."""

    def __init__(self, guide, heading, app, home):
        text = (ROOT / "docs" / guide).read_text(encoding="utf-8")
        walk = text.partition(f"## {heading}")[2].partition("\n## ")[0]
        self.blocks = re.findall(r"```sh\n(.*?)```", walk, re.DOTALL)
        own = own_environment(home)
        self.prefect = f"http://127.0.0.1:{own['LIFECYCLE_PREFECT_PORT']}"
        self.log = ReleaseLog(home / "releases" / f"{app}.jsonl")
        path = f"{ROOT / '.venv/bin'}:{own['PATH']}"
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        environment = {**own, "PATH": path, "COLUMNS": "200"}
        self.process = subprocess.Popen(["bash"], cwd=ROOT, env=environment, **pipes)

    def type(self, block):
        """Returns the status of the last command, and what all have said."""
        self.process.stdin.write(f"{block}\necho the-end-$?\n")
        self.process.stdin.flush()
        said = []
        while line := self.process.stdout.readline():
            if found := re.search(r"the-end-(\d+)$", line.rstrip()):
                return int(found[1]), "".join(said)
            said.append(line)
        raise AssertionError(f"the shell ended: {''.join(said)}")

    def waiting_run(self):
        """Returns the run of `deploy` that waits for a person, None where none does."""
        wanted = {"flow_runs": {"state": {"type": {"any_": ["PAUSED"]}}}}
        found = httpx.post(f"{self.prefect}/api/flow_runs/filter", json=wanted).json()
        return found[0] if found else None

    def wait_for(self, found, seconds=90):
        """Returns what `found` returns once that is something."""
        deadline = time.monotonic() + seconds
        while not (value := found()):
            assert time.monotonic() < deadline, "it never came"
            time.sleep(0.5)
        return value

    def end(self):
        """Types the last block, which ends what the others have started."""
        self.type(self.blocks[-1])
        self.process.stdin.close()
        self.process.wait(timeout=60)


@pytest.fixture(scope="module")
def open_walk(tmp_path_factory):
    """Opens the walk below a heading of a guide, for the app of a name."""
    opened = []

    def run(guide, heading, app):
        opened.append(_Walk(guide, heading, app, tmp_path_factory.mktemp(app) / "home"))
        return opened[-1]

    yield run
    for walk in opened:
        walk.end()
