"""Judges of a small app whose model is a simulated endpoint, and answers for them to rate."""

import pytest

from configs.schema.scorer import ScorerConfig
from infra.simulator.running import calls
from tasks.calling.answer import Answer, Outcome, Passage
from tasks.calling.spend import Spend
from tasks.data.row import Message, Row
from tasks.journal.journal import Journal
from tasks.judging.judge import judge_of
from tasks.scoring.asked import Means

CHAT = "/v1/chat/completions"


def said(score, reason="Because."):
    """What a judge answers that gives a score."""
    return f'{{"reason": "{reason}", "score": {score}}}'


@pytest.fixture
def judge():
    """Makes a judge of an app from `make_app`."""

    def make(loaded, name="relevance", **config):
        return judge_of(ScorerConfig(name=name, model="chat", **config), loaded)

    return make


@pytest.fixture
def means(tmp_path):
    """What asking takes, on one journal."""
    opened = []

    def make(loaded, epoch="first"):
        opened.append(Journal(tmp_path / "journal.db"))
        return Means(loaded, opened[-1], epoch, Spend(loaded.app.budget))

    yield make
    for journal in opened:
        journal.close()


@pytest.fixture
def answered():
    """Makes rows and their answers from texts; ids are r1, r2, …."""

    def make(*texts, context="Item 07 weighs 107 grams.", reference="It weighs 107 grams."):
        rows = [
            Row(f"r{number}", (Message("user", f"What does item {number} weigh?"),), reference=reference)
            for number, _ in enumerate(texts, 1)
        ]
        passages = (Passage("D07", context),) if context else ()
        answers = [Answer(row.id, Outcome.OK, text, context=passages) for row, text in zip(rows, texts, strict=True)]
        return rows, answers

    return make


@pytest.fixture
def chats():
    """How many chat calls an endpoint has had."""
    return lambda address: calls(address).get(CHAT, 0)
