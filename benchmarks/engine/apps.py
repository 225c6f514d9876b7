"""The app that the engine is measured with: one short prompt, one model, one exact scorer."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

MODEL = "simulated"
"""The model's name in the app and at the endpoint."""
INSTRUCTION = "Be brief."
MOST_TOKENS = 64

_GATE = {"rules": [{"metric": "exact", "at_least": 0.1}]}


def write_app(
    folder: Path,
    address: str,
    rows: int,
    *,
    concurrency: int | None = None,
    timeout_s: float = 60.0,
    scorers: Sequence[str] = ("exact",),
) -> Path:
    """Writes an app into a folder, and returns the folder; written again, it is changed.

    Args:
        folder: where; made where it is missing.
        address: base address of its model's endpoint.
        rows: rows of its full dataset.
        concurrency: calls at once that the engine is told; it looks for them where None.
        timeout_s: seconds of a call.
        scorers: names of its scorers.
    """
    folder.mkdir(parents=True, exist_ok=True)
    model: dict[str, Any] = {"kind": "openai", "base_url": address, "model": MODEL, "timeout_s": timeout_s}
    if concurrency is not None:
        model["concurrency"] = concurrency
    app = {
        "name": "bench",
        "description": "Repeats its questions.",
        "target": {"kind": "prompt"},
        "prompts": ["repeat.prompty"],
        "models": [MODEL],
        "datasets": {"sample": "sample.jsonl", "full": "rows.jsonl", "columns": {"reference": "reference"}},
        "scorers": [{"name": name} for name in scorers],
        "gates": {"sample": _GATE, "release": _GATE},
        "explore": {"rank_by": "exact"},
        "budget": {"calls": 10**7},
    }
    prices = {"as_of": "2026-11-25", "models": {MODEL: {"input": 0, "output": 0}}}
    for name, content in {"app.yaml": app, "models.yaml": {MODEL: model}, "prices.yaml": prices}.items():
        (folder / name).write_text(yaml.safe_dump(content), encoding="utf-8")
    (folder / "repeat.prompty").write_text(f"system:\n{INSTRUCTION}\n\nuser:\n{{{{question}}}}\n", encoding="utf-8")
    write_rows(folder / "sample.jsonl", ["Why?"])
    write_rows(folder / "rows.jsonl", questions(rows))
    return folder


def questions(rows: int) -> list[str]:
    """Returns that many different questions; the endpoint repeats a question as its answer."""
    return [f"What is the number {number} in words, please?" for number in range(rows)]


def write_rows(path: Path, asked: Sequence[str]) -> None:
    """Writes questions as a dataset in which each is its own reference."""
    with path.open("w", encoding="utf-8") as file:
        for number, question in enumerate(asked):
            file.write(json.dumps({"id": f"r{number}", "question": question, "reference": question}) + "\n")


def read_questions(path: Path) -> Iterator[str]:
    """Reads the questions of such a dataset."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)["question"]
