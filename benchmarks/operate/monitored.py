"""An app's served requests, made and looked at, each by a process: `python -m benchmarks.operate.monitored`."""

import argparse
import asyncio
import json
import resource
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import yaml

from benchmarks.operate.topics import invented_questions
from configs.loading import LoadedApp, load_app
from tasks.calling.answer import Answer, Latency, Outcome, Passage, Usage
from tasks.calling.spend import Spend
from tasks.data.row import Message
from tasks.journal.journal import Journal
from tasks.scoring.asked import Means
from tasks.scoring.catalogue import metrics_of, scorers_of
from tasks.serving.record import RecordStore
from tasks.serving.served import Served
from tasks.watching.compare import compare
from tasks.watching.looking import look
from tasks.watching.scored import open_scoring
from tasks.watching.window import read_window

_APP = {
    "name": "watched",
    "description": "Answers questions about items.",
    "target": {"kind": "prompt"},
    "prompts": ["plain.prompty"],
    "models": ["chat"],
    "datasets": {"sample": "rows.jsonl", "full": "rows.jsonl", "columns": {"reference": "reference"}},
    "scorers": [{"name": name} for name in ("token_f1", "support", "pii_leak", "profanity")],
    "gates": {name: {"rules": [{"metric": "token_f1", "at_least": 0.1}]} for name in ("sample", "release")},
    "explore": {"rank_by": "token_f1"},
    "monitor": {
        "limits": [{"metric": "error_rate", "at_most": 0.1}, {"metric": "pii_leak", "at_most": 0.5}],
        "budgets": [{"metric": "error_rate", "at_most": 0.05}],
    },
}
_AT_ONCE = 500
_QUESTIONS = tuple(question for topic in invented_questions() for question in topic)
_DOCUMENTS = tuple(Passage(f"d{at}", " ".join(_QUESTIONS[at * 12 : at * 12 + 20])) for at in range(200))
_NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def main() -> None:
    """Makes requests, or looks at them and prints how long that took and what memory."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.operate.monitored", description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="of the app and its requests")
    parser.add_argument("--make", type=int, metavar="REQUESTS", help="make so many instead of looking")
    arguments = parser.parse_args()
    if arguments.make:
        make(arguments.folder, arguments.make)
        return
    started = time.perf_counter()
    requests, scored = asyncio.run(watch(arguments.folder))
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"requests": requests, "scored": scored, "seconds": seconds, "peak_mib": peak}))


def make(folder: Path, count: int) -> None:
    """Writes the app, and requests that came in the hours before `_NOW`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "app.yaml").write_text(yaml.safe_dump(_APP))
    (folder / "plain.prompty").write_text("user:\n{{question}}\n")
    (folder / "rows.jsonl").write_text(json.dumps({"id": "r1", "question": "Item 1?", "reference": "item"}) + "\n")
    model = {"kind": "openai", "base_url": "http://127.0.0.1:9/v1", "model": "never-asked"}
    (folder / "models.yaml").write_text(yaml.safe_dump({"chat": model}))
    rng = np.random.default_rng(7)
    with RecordStore(folder / "served.db") as store:
        for start in range(0, count, _AT_ONCE):
            store.add_all(_served(at, count, rng) for at in range(start, min(count, start + _AT_ONCE)))


async def watch(folder: Path) -> tuple[int, int]:
    """Scores and estimates a day's requests, judges limits, looks for changes, drift and spent budgets."""
    loaded: LoadedApp = load_app(str(folder))
    scorers = scorers_of(loaded)
    with RecordStore(folder / "served.db") as store, Journal(folder / "journal.db") as journal:
        means = Means(loaded, journal, "first", Spend(loaded.app.budget))
        window = await read_window(means, scorers, store, "c1", _NOW - timedelta(days=1), _NOW)
        compare(loaded.app, metrics_of(scorers), window, None)
        with open_scoring(means, scorers, store, "c1", None) as scoring:
            await look(scoring, "c1", _NOW)
    return window.requests, window.scored


def _served(at: int, count: int, rng: np.random.Generator) -> Served:
    question = _QUESTIONS[rng.integers(len(_QUESTIONS))]
    failed = rng.random() < 0.01
    text = f"About {question}: it takes {rng.integers(2, 90)} days, see section {rng.integers(1, 40)} of the terms."
    if rng.random() < 0.01:
        text += " Write to someone@example.com."
    identity = f"r{at:06d}"
    answer = Answer(
        identity,
        Outcome.APP_ERROR if failed else Outcome.OK,
        "" if failed else text,
        "the model refused" if failed else "",
        messages=(Message("user", question),),
        context=tuple(_DOCUMENTS[at] for at in rng.integers(len(_DOCUMENTS), size=3)),
        usage=Usage(200, 30),
        latency=Latency(float(rng.lognormal(0, 0.4)), 0.2, 0.02),
        price=0.001,
        attempts=1,
    )
    came = _NOW - timedelta(hours=23) + timedelta(hours=22) * (at / count)
    return Served(identity, came, "c1", 1, "", (Message("user", question),), {}, answer, ("error",) if failed else ())


if __name__ == "__main__":
    main()
