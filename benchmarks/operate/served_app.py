"""An app whose champion is released and served by `lifecycle serve`, in a process of its own."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import yaml

from benchmarks.engine.processes import started
from benchmarks.operate.ready import wait_ready
from benchmarks.ports import free_ports
from configs.loading import load_app
from configs.settings import settings

_APP = {
    "name": "bench",
    "description": "Answers questions about items.",
    "target": {"kind": "prompt"},
    "prompts": ["plain.prompty"],
    "models": ["chat"],
    "datasets": {"sample": "rows.jsonl", "full": "rows.jsonl", "columns": {"reference": "reference"}},
    "scorers": [{"name": "token_f1"}],
    "gates": {name: {"rules": [{"metric": "token_f1", "at_least": 0.1}]} for name in ("sample", "release")},
    "explore": {"rank_by": "token_f1"},
    "guards": {"input": [{"kind": "pii"}, {"kind": "injection"}], "output": [{"kind": "pii"}, {"kind": "leak"}]},
    "monitor": {"limits": []},
}


class Served(NamedTuple):
    """Where it is served, with its `/v1`, and a key of its endpoint."""

    address: str
    key: str


@contextmanager
def served_app(home: Path, upstream: str) -> Iterator[Served]:
    """Serves the app while the block runs, with a key that has limits, which are never reached.

    Args:
        home: folder of all its state.
        upstream: address of its model, with its `/v1`.
    """
    port, mlflow = free_ports(2)
    environment = {
        "LIFECYCLE_HOME": str(home),
        "LIFECYCLE_ENDPOINT_PORT": str(port),
        "LIFECYCLE_MLFLOW_PORT": str(mlflow),
    }
    folder = home / "apps" / "bench"
    folder.mkdir(parents=True)
    (folder / "app.yaml").write_text(yaml.safe_dump(_APP))
    (folder / "plain.prompty").write_text("user:\n{{question}}\n")
    (folder / "rows.jsonl").write_text(json.dumps({"id": "r1", "question": "Item 1?", "reference": "item"}) + "\n")
    model = {"kind": "openai", "base_url": upstream, "model": "simulated", "timeout_s": 30}
    (folder / "models.yaml").write_text(yaml.safe_dump({"chat": model}))
    prices = {"as_of": "2026-11-28", "models": {"chat": {"input": 1, "output": 2}}}
    (folder / "prices.yaml").write_text(yaml.safe_dump(prices))
    os.environ.update(environment)
    settings.cache_clear()
    key = _released(folder)
    command = [sys.executable, "-m", "infra.cli.main", "serve", "--app", str(folder)]
    with started(command, environment) as running:
        wait_ready(f"http://127.0.0.1:{port}/ready", running)
        yield Served(f"http://127.0.0.1:{port}/v1", key)


def _released(folder: Path) -> str:
    """Makes the app's only candidate its champion, as the log says it of every release, and returns a key."""
    from tasks.calling.endpoint import endpoint_model
    from tasks.candidate import Candidate
    from tasks.candidates import read_prompts
    from tasks.releasing.log import release_log
    from tasks.results.store import Store
    from tasks.serving.keys import KeyLimits, key_ring

    loaded = load_app(str(folder))
    candidate = Candidate(
        app="bench",
        target=loaded.app.target,
        prompt=read_prompts(loaded)[0],
        model="chat",
        endpoint_model=endpoint_model("chat", loaded.models["chat"]),
        parameters=loaded.app.parameters[0],
    )
    Store(settings().folder("results", "bench")).save_candidate(candidate)
    release_log("bench").append(
        "commit",
        action="promote",
        release="bench",
        candidate=candidate.digest,
        version=1,
        bootstrap=True,
        who="benchmark",
        why="to be measured",
    )
    limits = KeyLimits(requests_per_minute=10**9, tokens_per_minute=10**12, price_per_day=1e9)
    return key_ring().add("bench", limits)
