"""A search that is killed at random moments: typed again, it asks nothing that was answered, and finds the same."""

import importlib.util
import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from infra.simulator.behaviour import Behaviour, Rule
from infra.simulator.running import calls, simulated

# The real MLflow of the tests of tracking, by their own fixture.
_spec = importlib.util.spec_from_file_location(
    "tracking_conftest", Path(__file__).parents[1] / "tasks" / "tracking" / "conftest.py"
)
_tracking = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_tracking)
mlflow_uri = _tracking.mlflow_uri

pytestmark = pytest.mark.fault

PROCESS = Path(__file__).with_name("searching_process.py")
KILLS = 2
LOST_A_KILL = 2
"""Calls, of which there is one at a time: the one in flight, and one answered since the last commit (0.05 s before)."""
MODEL = Behaviour(
    latency_s=0.08,
    rules=(
        Rule(contains="Be wrong", where="prompt", answer="no"),
        Rule(contains="Be half right", where="prompt", answer="question number 7"),
    ),
)
THINGS = ("Larkspur", "Badger", "Sundial", "Juniper", "Rookery", "Linnet")
OVER_RETRIEVAL = {
    "name": "found",
    "kind": "search_retrieval",
    "otherwise": "I do not know.",
    "first_rows": 2,
    "over": {
        "chunker": ["words", "tokens"],
        "chunk_tokens": [8],
        "search": ["vectors", "lexical"],
        "named_only": [False, True],
        "top_k": [1, 2],
    },
}
OVER_PROMPTS = {
    "name": "said",
    "kind": "search_prompt",
    "instructions": ["Be half right.", "Be right."],
    "first_rows": 4,
}


@pytest.fixture
def run(make_app, tmp_path):
    """Runs a move of an app twice: killed at random moments until it is left to end, then whole; returns both."""

    def write(name, rows):
        (tmp_path / name).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")

    def run(address, move, user, examples, seed, mlflow="http://127.0.0.1:9"):
        one = {"concurrency": 1}
        make_app(address, chat=one, vectors=one, budget={"unpriced": ["chat", "vectors"]})
        app = yaml.safe_load((tmp_path / "app.yaml").read_text(encoding="utf-8"))
        columns = {name: name for name in ("reference", "documents", "cluster", "answerable")}
        app["datasets"] |= {"examples": "examples.jsonl", "columns": columns}
        app["augment"] = {"moves": [move]}
        (tmp_path / "app.yaml").write_text(yaml.safe_dump(app), encoding="utf-8")
        (tmp_path / "prompt.prompty").write_text(f"system:\nBe wrong.\n\nuser:\n{user}\n", encoding="utf-8")
        gate = {
            "id": "g1",
            "question": "Why?",
            "reference": "",
            "documents": ["P1"],
            "cluster": "g",
            "answerable": True,
        }
        write("rows.jsonl", [gate])
        write("examples.jsonl", examples)
        texts = [f"{name}: a thing that weighs {at} kg and is kept dry" for at, name in enumerate(THINGS)]
        write("documents.jsonl", [{"id": f"P{at}", "text": text} for at, text in enumerate(texts)])
        files = [file for file in tmp_path.iterdir() if file.is_file()]
        for name in ("killed", "whole"):
            (tmp_path / name).mkdir()
            for file in files:
                shutil.copy(file, tmp_path / name)
        chance = random.Random(seed)  # noqa: S311
        moments = [*(chance.randint(2, 9) for _ in range(KILLS)), "whole", "whole"]
        runs = [*(f"{tmp_path / 'killed'}={when}" for when in moments), f"{tmp_path / 'whole'}=whole"]
        environment = {**os.environ, "LIFECYCLE_HOME": str(tmp_path / "home"), "LIFECYCLE_MLFLOW_URL": mlflow}
        command = [sys.executable, str(PROCESS), address, *runs]
        done = subprocess.run(command, cwd=Path.cwd(), env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    return run


def check(resumed, again, whole, sent):
    assert resumed["tried"] == whole["tried"]
    assert resumed["chosen"] == whole["chosen"]
    made = whole["calls"]["made"]
    assert 0 < resumed["calls"]["made"] < made, "what was answered before the last kill is found"
    assert made <= sent - made <= made + KILLS * LOST_A_KILL
    assert (again["calls"]["made"], again["tried"]) == (0, whole["tried"])


def test_a_search_over_retrieval_goes_on_where_it_was_killed(run):
    examples = [
        {"question": f"How heavy is the {name} thing", "reference": f"{at} kg", "documents": [f"P{at}"]}
        for at, name in enumerate(THINGS)
    ]
    examples.append({"question": "How heavy is the Walrus thing", "reference": "unknown", "documents": []})
    examples = [
        {"id": f"e{at}", "cluster": f"c{at}", "answerable": bool(each["documents"]), **each}
        for at, each in enumerate(examples)
    ]
    with simulated(MODEL) as address:
        told = run(address, OVER_RETRIEVAL, "{{documents}}\n{{question}}", examples, seed=1)
        check(*told, sum(calls(address).values()))
    assert len(told[0]["tried"]["settings"]) == 8
    assert len(told[0]["tried"]["rounds"]) == 2


def test_a_search_over_prompts_goes_on_where_it_was_killed(run, mlflow_uri):
    examples = [
        {
            "id": f"e{at}",
            "question": f"question number {at}",
            "reference": f"question number {at}",
            "documents": [],
            "cluster": f"c{at // 2}",
            "answerable": True,
        }
        for at in range(16)
    ]
    with simulated(MODEL) as address:
        told = run(address, OVER_PROMPTS, "{{question}}", examples, seed=2, mlflow=mlflow_uri)
        check(*told, sum(calls(address).values()))
    assert len({trial["arm"] for trial in told[0]["tried"]["trials"]}) == 3
    assert told[0]["tried"]["url"].startswith(mlflow_uri)
