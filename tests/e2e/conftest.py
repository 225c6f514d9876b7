"""The whole local stack, started once, and an app whose model is a simulated endpoint."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from infra.simulator.behaviour import Behaviour, Rule
from infra.simulator.running import simulated

ROOT = Path(__file__).parents[2]

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


def _free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


@pytest.fixture(scope="session")
def stack_environment(tmp_path_factory, shop):
    """Environment of a stack of its own: folder, ports, and the shop as the app it serves."""
    names = ("PREFECT", "MLFLOW", "CHAT", "EMBEDDING", "ENDPOINT", "RUNNER")
    ports = {f"LIFECYCLE_{name}_PORT": str(port) for name, port in zip(names, _free_ports(6), strict=True)}
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("LIFECYCLE_", "PREFECT_", "MLFLOW_"))}
    home = tmp_path_factory.mktemp("stack") / "home"
    return {**inherited, **ports, "LIFECYCLE_HOME": str(home), "LIFECYCLE_APP": str(shop)}


class _Preloaded:
    """The command, forked from a process that has imported what it imports."""

    def __init__(self, environment, folder):
        self._environment, self._folder = environment, folder
        script = str(Path(__file__).with_name("preloaded_command.py"))
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "bufsize": 1}
        self.process = subprocess.Popen([sys.executable, script], env=environment, cwd=ROOT, **pipes)

    def run(self, arguments, timeout):
        files = {name: self._folder / name for name in ("stdout", "stderr")}
        request = {"arguments": arguments, "environment": self._environment, "timeout": timeout}
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
    """Runs the command as a person would; returns the finished process."""

    def run(*arguments, timeout=580, **environment):
        if not environment:
            return _preloaded.run(arguments, timeout)
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


def _write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
