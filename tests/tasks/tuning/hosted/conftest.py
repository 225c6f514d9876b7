"""A workspace whose model a simulated provider can tune, and examples that say what it is to learn."""

import pytest

from configs.schema.hosted import HostedTuning
from configs.schema.model import Price
from tasks.calling.asking import Spend
from tasks.calling.polling import Polling
from tasks.data.row import Message
from tasks.journal.journal import Journal
from tasks.results.store import Store
from tasks.tuning.example import TrainingExample
from tasks.tuning.hosted.tuning import tuned_by_provider
from tasks.workspace import Workspace

COLOURS = ("red", "green", "blue", "white", "black", "grey", "brown", "pink", "gold", "beige", "violet", "amber")


@pytest.fixture
def examples():
    return tuple(
        TrainingExample(colour, (Message("user", f"the code of the {colour} tent"),), f"It is {colour}-7 .")
        for colour in COLOURS
    )


@pytest.fixture
def settings():
    def make(**changes):
        return HostedTuning(**{"model": "chat", "epochs": 2, "batch": 4, "price": 10, **changes})

    return make


@pytest.fixture
def workspace(tmp_path, make_app):
    """Opens a workspace on an endpoint; a token costs 10 US dollars per thousand to train on."""
    opened = []

    def open_(address, *, training=10_000.0, budget=None, chat=None):
        loaded = make_app(address, budget={"price": 100, **(budget or {})}, chat=chat)
        loaded.prices["chat"] = Price(input=0, output=0, training=training)
        journal = Journal(tmp_path / "journal.db")
        opened.append(journal)
        return Workspace(loaded, "first", Spend(loaded.app.budget), journal, Store(tmp_path / "results"), tmp_path)

    yield open_
    for journal in opened:
        journal.close()


@pytest.fixture
def tuned(examples, settings):
    """Tunes with the twelve examples, the first four held out as well."""

    async def run(opened, **options):
        given = {"examples": examples, "held_out": examples[:4], "settings": settings(), **options}
        return await tuned_by_provider(opened, **given, polling=Polling(0.01, 0.02))

    return run
