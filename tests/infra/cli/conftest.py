"""A shop whose two candidates were really asked and scored, over a simulated endpoint."""

import asyncio
import json
from types import SimpleNamespace

import pytest
import yaml
from typer.testing import CliRunner

from configs.loading import load_app
from configs.settings import settings
from infra.cli.main import app as command
from infra.simulator.running import simulated
from tasks.candidates import explored, read_prompts
from tasks.curating.item import DATASET, Item
from tasks.curating.versions import Manifest, save_version
from tasks.data.reading import read_dataset
from tasks.evaluating.evaluate import evaluate_candidate
from tasks.workspace import open_workspace

_PROMPTS = {"plain": "{{question}}", "polite": "Please: {{question}}"}
_SIZES = {"sample": 40, "full": 60}


@pytest.fixture
def shop(tmp_path, fresh_settings):
    """An app named `shop`; `evaluate` asks a candidate the rows of a split, `candidates` are plain and polite.

    The simulated model answers with the question: the plain candidate gets every row right, the polite one none, but
    for every fourth row, whose reference is polite.
    """
    folder = tmp_path / "shop"
    folder.mkdir()
    for split, size in _SIZES.items():
        rows = [
            {
                "id": f"{split}-{at}",
                "question": f"{split} question {at}",
                "reference": "Please: " * (at % 4 == 0) + f"{split} question {at}",
                "kind": ("fact", "policy")[at % 2],
                "about": f"thing-{at // 2}",
            }
            for at in range(size)
        ]
        (folder / f"{split}.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    for name, template in _PROMPTS.items():
        (folder / f"{name}.prompty").write_text(f"---\nname: {name}\n---\nuser:\n{template}\n", encoding="utf-8")
    content = {
        "name": "shop",
        "description": "A shop.",
        "target": {"kind": "prompt"},
        "prompts": [f"{name}.prompty" for name in _PROMPTS],
        "models": ["chat"],
        "datasets": {
            "sample": "sample.jsonl",
            "full": "full.jsonl",
            "columns": {"reference": "reference", "cluster": "about", "slices": ["kind"]},
        },
        "scorers": [{"name": "exact"}, {"name": "token_f1"}],
        "gates": {
            "sample": {"rules": [{"metric": "exact", "at_least": 0.5}]},
            "release": {
                "rules": [
                    {"metric": "exact", "at_least": 0.5},
                    {"metric": "exact", "not_worse_than_champion_by": 0.05},
                    {"metric": "latency_total", "at_most": 5},
                ]
            },
        },
        "explore": {"rank_by": "exact"},
    }
    (folder / "app.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    prices = {"as_of": "2026-11-01", "models": {"chat": {"input": 1.0, "output": 2.0}}}
    (folder / "prices.yaml").write_text(yaml.safe_dump(prices), encoding="utf-8")
    with simulated() as address:
        model = {"chat": {"kind": "openai", "base_url": address, "model": "simulated"}}
        (folder / "models.yaml").write_text(yaml.safe_dump(model), encoding="utf-8")
        loaded = load_app(str(folder))
        candidates = dict(zip(_PROMPTS, explored(loaded, read_prompts(loaded)), strict=True))

        def evaluate(name, split):
            with open_workspace(str(folder)) as workspace:
                workspace.store.save_candidate(candidates[name])
                return asyncio.run(evaluate_candidate(workspace, candidates[name], workspace.dataset(split)))

        yield SimpleNamespace(path=str(folder), address=address, candidates=candidates, evaluate=evaluate)


@pytest.fixture
def version(shop, fresh_settings, tmp_path):
    """A curated version of the shop with one split: its first three sample rows, one of them changed."""
    with open_workspace(shop.path) as workspace:
        rows = list(read_dataset(workspace.loaded, "sample").rows)[:3]
        columns = workspace.loaded.app.datasets.columns
    rows[0].columns["reference"] = "Another one."
    manifest = Manifest(
        app="shop",
        settings={"curate": {"class_column": None}, "columns": columns.model_dump(mode="json", exclude_none=True)},
        sources={},
        guarded={},
        splits={"train": "d" * 16},
        rows={"train": 3},
        funnel=(),
        apart={},
        balance={},
    )
    items = [Item(row, "sample", DATASET, "train") for row in rows]
    return save_version(settings().folder(), manifest, {"train": items}, [], [])


@pytest.fixture
def lifecycle():
    """Runs the command in this process."""

    def run(*arguments):
        return CliRunner().invoke(command, list(arguments))

    return run
