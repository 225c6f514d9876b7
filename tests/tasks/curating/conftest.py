"""Items of a few words, and an app whose sources a test writes itself."""

import json

import pytest
import yaml

from configs.loading import load_app
from configs.settings import settings
from tasks.curating.item import DATASET, Item
from tasks.data.row import Message, Row


@pytest.fixture
def item():
    """Makes an item; what is not given is as of a row of `production` that nothing is known of."""

    def make(name, question, reference="", *, source="production", rank=DATASET, side="", cluster="", **more):
        row = Row(
            name,
            (Message("user", question),),
            reference,
            tuple(more.pop("documents", ())),
            cluster or name,
            more.pop("answerable", None),
            columns={"id": name, "question": question, "reference": reference, **more.pop("columns", {})},
        )
        return Item(row, source, rank, side, clustered=bool(cluster), **more)

    return make


@pytest.fixture
def home(monkeypatch, tmp_path):
    """Folder of all state, empty."""
    folder = tmp_path / "home"
    monkeypatch.setenv("LIFECYCLE_HOME", str(folder))
    settings.cache_clear()
    yield folder
    settings.cache_clear()


@pytest.fixture
def make_app(tmp_path, home):
    """Writes an app `shop` whose splits are given as rows, and returns its folder; meanings are not compared."""
    folder = tmp_path / "shop"
    folder.mkdir()

    def make(curate=None, documents=None, address=None, columns=None, **splits):
        splits = {"sample": [fresh("s1")], "full": [fresh("f1")], **splits}
        for split, rows in splits.items():
            lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
            (folder / f"{split}.jsonl").write_text(lines, encoding="utf-8")
        rule = {"rules": [{"metric": "exact", "at_least": 0.5}]}
        app = {
            "name": "shop",
            "description": "A shop.",
            "target": {"kind": "answers", "path": "answers.jsonl"},
            "datasets": {
                **{split: f"{split}.jsonl" for split in splits},
                "columns": columns or {"reference": "reference", "cluster": "about", "slices": ["kind"]},
            },
            "scorers": [{"name": "exact"}],
            "gates": {"sample": rule, "release": rule},
            "explore": {"rank_by": "exact"},
            "curate": {"embedding_model": None, "least_rows": 1, **(curate or {})},
        }
        if documents:
            lines = "".join(json.dumps(each) + "\n" for each in documents)
            (folder / "documents.jsonl").write_text(lines, encoding="utf-8")
            app["retrieval"] = {"documents": "documents.jsonl"}
        if address:
            model = {"kind": "openai", "base_url": address, "model": "simulated", "retries": 0}
            models = {"teacher": model, "vectors": {**model, "task": "embedding"}}
            (folder / "models.yaml").write_text(yaml.safe_dump(models), encoding="utf-8")
            free = {"input": 0, "output": 0}
            prices = {"as_of": "2026-11-01", "models": {"teacher": free, "vectors": free}}
            (folder / "prices.yaml").write_text(yaml.safe_dump(prices), encoding="utf-8")
        (folder / "answers.jsonl").write_text("", encoding="utf-8")
        (folder / "app.yaml").write_text(yaml.safe_dump(app), encoding="utf-8")
        load_app(str(folder))
        return str(folder)

    return make


def fresh(name, **more):
    """A row that is like no other."""
    words = " ".join(f"{name}{letter}" for letter in "abcdefg")
    return {
        "id": name,
        "question": f"What of {words}?",
        "reference": f"It is {name}.",
        "about": "",
        "kind": "fact",
        **more,
    }


@pytest.fixture
def fresh_row():
    return fresh
