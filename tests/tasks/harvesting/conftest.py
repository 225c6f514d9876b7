"""A shop whose served requests a test writes itself, and a harvest of it without any server."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest
import yaml

from configs.loading import load_app
from configs.settings import settings
from tasks.calling.answer import Answer, Latency, Outcome, Passage, Usage
from tasks.data.row import Message
from tasks.harvesting.admitting import admit
from tasks.harvesting.picked import Review
from tasks.harvesting.queue import Queue, queue_path
from tasks.harvesting.selecting import select
from tasks.serving.record import record_store
from tasks.serving.served import Served
from tasks.serving.votes import Vote
from tasks.workspace import open_workspace

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
THINGS = ("tent", "stove", "boots", "rope", "lamp", "bottle", "jacket", "map", "knife", "mat")
DOCUMENTS = [{"id": f"D{at}", "text": f"The {thing} costs {40 + at} dollars."} for at, thing in enumerate(THINGS)]


def labelled(name, thing, at, question=None, **more):
    return {
        "id": name,
        "question": question or f"What does the {thing} cost, please tell me?",
        "reference": f"The {thing} costs {40 + at} dollars. [D{at}]",
        "documents": [f"D{at}"],
        "about": f"D{at}",
        "answerable": True,
        "kind": "price",
        **more,
    }


@pytest.fixture
def home(monkeypatch, tmp_path):
    """Folder of all state, empty."""
    folder = tmp_path / "home"
    monkeypatch.setenv("LIFECYCLE_HOME", str(folder))
    settings.cache_clear()
    yield folder
    settings.cache_clear()


@pytest.fixture
def make_shop(tmp_path, home):
    """Writes an app `shop` whose documents are prices of ten things, and returns its folder.

    Its sample is about the tent (D0), its full data about the stove (D1); meanings are not compared.
    """
    folder = tmp_path / "shop"
    folder.mkdir()

    def make(harvest=None, curate=None, user=None, **splits):
        unknown = {"reference": "I do not know that.", "documents": [], "answerable": False, "about": ""}
        splits = {
            "sample": [labelled("s1", "tent", 0), labelled("s2", "tent", 0, "Who sewed your first flag?", **unknown)],
            "full": [labelled("f1", "stove", 1)],
            **splits,
        }
        for split, rows in splits.items():
            lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
            (folder / f"{split}.jsonl").write_text(lines, encoding="utf-8")
        rule = {"rules": [{"metric": "exact", "at_least": 0.5}]}
        columns = {
            "reference": "reference",
            "documents": "documents",
            "cluster": "about",
            "answerable": "answerable",
            "slices": ["kind"],
            **({"user": user} if user else {}),
        }
        app = {
            "name": "shop",
            "description": "A shop.",
            "target": {"kind": "answers", "path": "answers.jsonl"},
            "datasets": {**{split: f"{split}.jsonl" for split in splits}, "columns": columns},
            "retrieval": {"documents": "documents.jsonl"},
            "scorers": [{"name": "exact"}, {"name": "support"}, {"name": "profanity"}],
            "gates": {"sample": rule, "release": rule},
            "explore": {"rank_by": "exact"},
            "curate": {"embedding_model": None, "splits": {"train": 1.0}, **(curate or {})},
            "harvest": {"worst": 0, "random_share": 0, **(harvest or {})},
        }
        (folder / "documents.jsonl").write_text("".join(json.dumps(each) + "\n" for each in DOCUMENTS), "utf-8")
        (folder / "answers.jsonl").write_text("", encoding="utf-8")
        (folder / "app.yaml").write_text(yaml.safe_dump(app), encoding="utf-8")
        load_app(str(folder))
        return str(folder)

    return make


def served(
    name,
    question,
    answer="",
    *,
    flags=(),
    candidate="c" * 16,
    minute=0,
    row_id="",
    outcome=Outcome.OK,
    placed=None,
    columns=None,
    before=(),
):
    """A served request; the answer draws on the documents of the first two things."""
    told = Answer(
        name,
        outcome,
        answer,
        context=tuple(Passage(each["id"], each["text"]) for each in DOCUMENTS[:2]),
        usage=Usage(1, 1),
        latency=Latency(1.0),
    )
    at = NOON + timedelta(minutes=minute)
    return Served(
        name, at, candidate, 1, row_id, (*before, Message("user", question)), columns or {}, told, flags, placed=placed
    )


@pytest.fixture
def serve(home):
    """Adds served requests; see `served`."""

    def add(*arguments, **more):
        with record_store("shop") as store:
            store.add(served(*arguments, **more))

    return add


@pytest.fixture
def vote(home):
    """Votes against an answer, or for it."""

    def add(request, comment="", *, good=False):
        with record_store("shop") as store:
            assert store.votes.add(Vote(request, good, comment, NOON))

    return add


@pytest.fixture
def look():
    """Selects, and enters nothing."""

    def run(folder):
        with (
            open_workspace(folder) as workspace,
            record_store(workspace.name) as store,
            Queue(queue_path(workspace.home, workspace.name)) as queue,
        ):
            return asyncio.run(select(workspace, store, queue))

    return run


async def harvested(folder):
    """Harvests into the queue, without MLflow; returns the selection and what was admitted."""
    with (
        open_workspace(folder) as workspace,
        record_store(workspace.name) as store,
        Queue(queue_path(workspace.home, workspace.name)) as queue,
    ):
        selection = await select(workspace, store, queue)
        admitted = await admit(workspace, store, queue, selection)
        queue.enter(admitted.picked, admitted.passed_over, selection.again, admitted.draws, selection.reached)
        return selection, admitted


@pytest.fixture
def harvest():
    """Harvests into the queue, without MLflow; returns the selection and what was admitted."""
    return lambda folder: asyncio.run(harvested(folder))


@pytest.fixture
def queue(home):
    """The queue of the shop."""
    with Queue(queue_path(home, "shop")) as opened:
        yield opened


@pytest.fixture
def review(queue):
    """Says something of a pick."""

    def say(request, state="accepted", reference=""):
        assert queue.review(request, Review(state, reference, "kim", "2026-11-02T09:00:00+00:00"))

    return say
