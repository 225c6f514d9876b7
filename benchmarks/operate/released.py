"""A stack of a benchmark's own, whose app has candidates that can be told apart by their answers; one is champion."""

import json
import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import yaml

from benchmarks.ports import stack_ports
from configs.errors import StackError
from configs.loading import LoadedApp, load_app
from configs.settings import settings
from infra.stack.supervision import down, up
from infra.stack.supervisor import Supervisor, connect
from tasks.candidate import Candidate
from tasks.gating.verdict import Decision, Verdict
from tasks.releasing.log import ReleaseLog, release_log

APP = "bench"
GOOD = ("plain", "briefly")
"""Candidates that answer."""
BAD = "failing"
"""A candidate that the model does not answer."""

_CONFIGURATION: dict[str, Any] = {
    "name": APP,
    "description": "Answers questions about items.",
    "target": {"kind": "prompt"},
    "prompts": [f"{name}.prompty" for name in (*GOOD, BAD)],
    "models": ["chat"],
    "datasets": {"sample": "rows.jsonl", "full": "rows.jsonl", "columns": {"reference": "reference"}},
    "scorers": [{"name": "token_f1"}],
    "gates": {name: {"rules": [{"metric": "token_f1", "at_least": 0.1}]} for name in ("sample", "release")},
    "explore": {"rank_by": "token_f1"},
    "monitor": {"limits": []},
    "release": {
        "rollout": {
            "shares": [0.3, 0.5],
            "answers": 10,
            "confidence": 0.9,
            "watch_minutes": 0,
            "metrics": [{"metric": "error_rate", "margin": 0.3}],
        }
    },
}


class World(NamedTuple):
    """A stack with the app.

    Attributes:
        folder: of the app.
        loaded: the app.
        address: of its endpoint, with its `/v1`.
        candidates: by name.
        versions: by name, the candidates' model versions.
    """

    folder: Path
    loaded: LoadedApp
    address: str
    candidates: dict[str, Candidate]
    versions: dict[str, int]

    @property
    def log(self) -> ReleaseLog:
        """The app's release log."""
        return release_log(APP)

    @property
    def names(self) -> dict[str, str]:
        """Names of the candidates by their digests."""
        return {candidate.digest: name for name, candidate in self.candidates.items()}

    @property
    def supervisor(self) -> Supervisor:
        """What keeps the parts running."""
        found = connect()
        if found is None:
            raise StackError("the supervisor has ended; see the log in the folder `stack`")
        return found

    def served(self) -> str | None:
        """Returns the digest of the candidate that answers, None where the endpoint does not, or nobody does."""
        try:
            health = httpx.get(f"{self.address.removesuffix('/v1')}/health", timeout=5, trust_env=False).json()
        except (httpx.HTTPError, ValueError):
            return None
        champion = health.get("champion")
        return str(champion["candidate"]) if champion else None


@contextmanager
def released(home: Path, upstream: str, names: Collection[str]) -> Iterator[World]:
    """Has a stack up while the block runs, with `plain` as its app's champion.

    Args:
        home: folder of all its state.
        upstream: address of the model, with its `/v1`.
        names: parts that are started, with those that they need.
    """
    folder = home / "apps" / APP
    _write(folder, upstream)
    before = dict(os.environ)
    os.environ.update({**stack_ports(), "LIFECYCLE_HOME": str(home), "LIFECYCLE_APP": str(folder)})
    settings.cache_clear()
    try:
        up(names)
        yield _registered(folder)
    finally:
        down()
        os.environ.clear()
        os.environ.update(before)
        settings.cache_clear()


def passed(candidate: Candidate) -> tuple[Verdict, ...]:
    """Returns verdicts of both gates as if they had been asked: what is measured begins where they end."""
    decided = {"decision": Decision.PASS, "candidate": candidate.digest, "champion": None}
    return tuple(Verdict(gate=gate, evaluations=(), rules=(), **decided) for gate in ("sample", "release"))


def _write(folder: Path, upstream: str) -> None:
    folder.mkdir(parents=True)
    (folder / "app.yaml").write_text(yaml.safe_dump(_CONFIGURATION))
    for name in (*GOOD, BAD):
        # The name at both ends: an answer that is cut off, or put together of two, is seen.
        (folder / f"{name}.prompty").write_text(f"user:\n{name} {{{{question}}}} {name}\n")
    (folder / "rows.jsonl").write_text(json.dumps({"id": "r1", "question": "Item 1?", "reference": "item"}) + "\n")
    model = {"kind": "openai", "base_url": upstream, "model": "simulated", "timeout_s": 30, "retries": 0}
    (folder / "models.yaml").write_text(yaml.safe_dump({"chat": model}))
    prices = {"as_of": "2026-11-28", "models": {"chat": {"input": 1, "output": 2}}}
    (folder / "prices.yaml").write_text(yaml.safe_dump(prices))


def _registered(folder: Path) -> World:
    from tasks.calling.endpoint import endpoint_model
    from tasks.candidates import read_prompts
    from tasks.releasing.promote import promote
    from tasks.releasing.release import parts_of
    from tasks.tracking.models import register_candidate
    from tasks.workspace import open_workspace

    loaded = load_app(str(folder))
    candidates = {
        prompt.name: Candidate(
            app=APP,
            target=loaded.app.target,
            prompt=prompt,
            model="chat",
            endpoint_model=endpoint_model("chat", loaded.models["chat"]),
            parameters=loaded.app.parameters[0],
        )
        for prompt in read_prompts(loaded)
    }
    versions = {}
    with open_workspace(str(folder)) as workspace:
        for name, each in candidates.items():
            workspace.store.save_candidate(each)
            versions[name] = register_candidate(workspace, each, passed(each))
    first = GOOD[0]
    promote(
        candidates[first],
        versions[first],
        parts=parts_of(loaded),
        bootstrap=True,
        who="benchmark",
        why="to be first",
    )
    return World(folder, loaded, settings().endpoint_url, candidates, versions)
