"""A small app whose files a test writes itself."""

import json

import pytest
import yaml

from configs.loading import load_app

ROWS = [
    {"id": "r1", "question": "How heavy is the Ridgeline?", "reference": "2.1 kg [P1]", "documents": ["P1"]},
    {"id": "r2", "question": "방수가 되나요?", "reference": "네, 방수입니다. [P2]", "documents": ["P2"]},
    {"id": "r3", "question": "Who is your boss?", "reference": "I do not know.", "documents": []},
]
for row, answerable in zip(ROWS, (True, True, False), strict=True):
    row |= {"answerable": answerable, "kind": "fact" if answerable else "unknown"}


@pytest.fixture
def make_app(tmp_path):
    """Writes an app whose datasets are given as rows (JSONL) or as `{name: bytes}`, and loads it."""

    def make(files=None, columns=None, **splits):
        datasets = {
            "columns": columns
            or {"reference": "reference", "documents": "documents", "answerable": "answerable", "slices": ["kind"]}
        }
        for split, rows in splits.items():
            (tmp_path / f"{split}.jsonl").write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
            datasets[split] = f"{split}.jsonl"
        for name, content in (files or {}).items():
            (tmp_path / name).write_bytes(content)
            datasets[name.partition(".")[0]] = name
        datasets = {"sample": "sample.jsonl", "full": "full.jsonl", **datasets}
        gate = {"rules": [{"metric": "exact", "at_least": 0.5}]}
        app = {
            "name": "tiny",
            "description": "A tiny app.",
            "target": {"kind": "answers", "path": "answers.jsonl"},
            "datasets": datasets,
            "scorers": [{"name": "exact"}],
            "gates": {"sample": gate, "release": gate},
            "explore": {"rank_by": "exact"},
        }
        (tmp_path / "app.yaml").write_text(yaml.safe_dump(app), encoding="utf-8")
        return load_app(str(tmp_path))

    return make


@pytest.fixture
def rows():
    return [dict(row) for row in ROWS]
