"""A provider's model becomes a candidate that answers by what it was tuned to, with its states on the way."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest

from configs.schema.augment import FineTune
from configs.schema.dataset import Columns, Datasets
from configs.schema.finetune import Finetune
from configs.schema.hosted import HostedTuning
from configs.schema.model import Price
from infra.simulator.behaviour import Behaviour, Rule
from infra.simulator.running import simulated
from tasks.calling.asking import Spend
from tasks.evaluating.evaluate import evaluate_candidate
from tasks.journal.journal import Journal
from tasks.results.finding import find_candidates
from tasks.results.store import Store
from tasks.tuning import elsewhere
from tasks.tuning.finetuned import finetune_candidate
from tasks.tuning.hosted.cards import kept_card
from tasks.workspace import Workspace

MOVE = FineTune(name="tuned", kind="finetune")
HOSTED = {"model": "chat", "epochs": 2, "price": 10}
TAUGHT = {"teacher": "chat", "terms": "Apache-2.0, its weights'", "keep": [{"metric": "exact", "at_least": 1}]}


@pytest.fixture
def workspace(make_app, tmp_path, monkeypatch):
    """Opens a workspace whose training rows say that every answer is the question's number and a sign."""
    monkeypatch.setattr(elsewhere, "record_finetune", lambda *_: SimpleNamespace(url="http://mlflow"))
    opened = []

    def open_(address, **finetune):
        loaded = make_app(address, budget={"price": 100})
        rows = [
            {"id": f"t{n}", "question": f"What is code {n}?", "reference": f"It is {n} .", "topic": f"c{n}"}
            for n in range(24)
        ]
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (tmp_path / "train.jsonl").write_text(text, encoding="utf-8")
        (tmp_path / "rows.jsonl").write_text(text.partition("\n")[0] + "\n", encoding="utf-8")
        columns = Columns(reference="reference", cluster="topic")
        datasets = Datasets(sample="rows.jsonl", full="rows.jsonl", train="train.jsonl", columns=columns)
        settings = Finetune(hosted=HostedTuning(**HOSTED), held_out=0.25, **finetune)
        loaded = replace(loaded, app=loaded.app.model_copy(update={"datasets": datasets, "finetune": settings}))
        loaded.prices["chat"] = Price(input=0, output=0, training=1)
        journal = Journal(tmp_path / "journal.db")
        opened.append(journal)
        return Workspace(loaded, "first", Spend(loaded.app.budget), journal, Store(tmp_path / "results"), tmp_path)

    yield open_
    for journal in opened:
        journal.close()


async def test_what_a_provider_has_tuned_answers_as_it_was_taught_and_its_states_are_candidates(
    workspace, make_candidate
):
    with simulated(Behaviour(tuning_s=0.1)) as address:
        opened = workspace(address)
        base = make_candidate(opened.loaded)
        made = await finetune_candidate(opened, base, MOVE)
        evaluation = await evaluate_candidate(opened, made.candidate, opened.dataset("train"))

    assert made.candidate.adapter.kind == "hosted"
    assert made.candidate.parent == base.digest
    assert made.card.data["train"] == opened.dataset("train").digest
    assert (made.card.facts["rows"], made.card.facts["rows_held_out"]) == (18, 6)
    assert evaluation.scores["exact"].mean() > 0.6  # of the questions it has seen; untuned, it says the question again
    states = [each for each in find_candidates(opened.store, "") if each.move.startswith("tuned, step ")]
    assert states
    assert {each.adapter.kind for each in states} == {"hosted"}
    assert all(each.digest != made.candidate.digest for each in states)
    assert kept_card(opened.home, made.candidate.adapter) == made.card
    cards = [kept_card(opened.home, each.adapter) for each in states]
    assert {f"tuned, step {card.facts['steps']:.0f}" for card in cards} == {each.move for each in states}


async def test_a_teachers_answers_are_learnt_instead_of_references(workspace, make_candidate):
    rules = tuple(Rule(contains=f"code {n}?", answer=f"It is {n} .") for n in range(24) if n % 4)
    with simulated(Behaviour(tuning_s=0.1, rules=rules)) as address:
        opened = workspace(address, distill=TAUGHT)
        made = await finetune_candidate(opened, make_candidate(opened.loaded), MOVE)

    assert made.card.facts["rows"] + made.card.facts["rows_held_out"] == 18  # one answer in four was wrong
    assert set(made.card.data) == {"train", "distilled"}
