"""Distilling: only answers that pass become examples, nothing is asked twice, and the terms stay with the dataset."""

import json
from dataclasses import replace

import pytest
from pydantic import ValidationError

from configs.errors import ConfigurationError, DataError
from configs.schema.app import Budget
from configs.schema.distillation import Distillation
from infra.simulator.behaviour import Behaviour, Fault, Rule
from infra.simulator.running import calls, requests, simulated
from tasks.calling.asking import Spend
from tasks.candidate import HostedModel
from tasks.data.chat_lines import chat_lines_of
from tasks.data.row import Dataset, Message
from tasks.journal.journal import Journal
from tasks.results.store import Store
from tasks.tuning.distilling import distilled
from tasks.workspace import Workspace

TERMS = "Apache-2.0, the licence of the teacher's weights"


@pytest.fixture
def settings():
    def make(**changes):
        given = {"teacher": "teacher", "terms": TERMS, "keep": [{"metric": "exact", "at_least": 1}], **changes}
        return Distillation.model_validate(given)

    return make


@pytest.fixture
def workspace(tmp_path, make_app, make_rows):
    """Opens a workspace with a model that teaches and twelve rows to train on."""
    opened = []

    def open_(address, **options):
        loaded = make_app(address, **options)
        loaded.models["teacher"] = loaded.models["chat"].model_copy(update={"model": "teacher"})
        loaded.prices["teacher"] = loaded.prices["chat"]
        journal = Journal(tmp_path / "journal.db")
        opened.append(journal)
        found = Workspace(loaded, "first", Spend(loaded.app.budget), journal, Store(tmp_path / "results"), tmp_path)
        rows = make_rows(*(f"question number {number}" for number in range(12)))
        rows = [replace(row, reference=row.question, cluster=f"c{row.id}") for row in rows]
        datasets = {
            "sample": Dataset("shop", "sample", "rows.jsonl", tuple(rows[:1]), "sampled"),
            "full": Dataset("shop", "full", "rows.jsonl", tuple(rows[:2]), "all"),
            "train": Dataset("shop", "train", "train.jsonl", tuple(rows), "trained"),
        }
        found.__dict__["datasets"] = datasets
        app = loaded.app.model_copy(
            update={"datasets": loaded.app.datasets.model_copy(update={"train": "train.jsonl"})}
        )
        object.__setattr__(loaded, "app", app)
        return found

    yield open_
    for journal in opened:
        journal.close()


async def test_answers_within_the_bounds_become_examples_and_the_others_are_counted(
    workspace, settings, make_candidate, tmp_path
):
    behaviour = Behaviour(
        rules=(Rule(contains="number 3", answer="I think so."),),
        faults=(Fault(kind="too_long", contains="number 5"),),
    )
    with simulated(behaviour) as address:
        opened = workspace(address, price=(1000, 1000), budget={"price": 10})
        student = make_candidate(opened.loaded, adapter=HostedModel(model="ft:old", job="ftjob-1"))
        found = await distilled(opened, student, settings())
        assert {request["model"] for request in requests(address)} == {"teacher"}
        asked = calls(address)
        again = await distilled(opened, student, settings())
        assert calls(address)["/v1/chat/completions"] == asked["/v1/chat/completions"] + 1, "only what failed"
    assert found.dropped == {"exact below 1": 1, "not answered (app_error)": 1}
    assert [example.row_id for example in found.examples] == [f"r{n}" for n in range(1, 13) if n not in (4, 6)]
    first = found.examples[0]
    assert first.messages == (Message("system", "Be brief."), Message("user", "question number 0"))
    assert (first.answer, first.cluster) == ("question number 0", "cr1")
    assert found.file.read_bytes() == chat_lines_of(found.examples)
    about = json.loads(found.file.with_suffix(".json").read_text())
    assert about["terms"] == TERMS
    assert about["teacher"]["endpoint_model"] == f"teacher at {address}"
    assert about["dataset"] == {"split": "train", "digest": "trained"}
    assert about["dropped"] == found.dropped
    assert about["rows"][0] == {"row_id": "r1", "cluster": "cr1"}
    assert found.price == about["price"] > 0
    assert again.examples == found.examples


async def test_a_metric_that_does_not_apply_asks_nothing_but_one_must(workspace, settings, make_candidate):
    scorers = [{"name": "exact"}, {"name": "abstention"}]
    abstains, both = {"metric": "abstention", "at_least": 1}, {"metric": "exact", "at_least": 1}
    with simulated() as address:
        opened = workspace(address, scorers=scorers)
        student = make_candidate(opened.loaded)
        assert len((await distilled(opened, student, settings(keep=[abstains, both]))).examples) == 12
        with pytest.raises(DataError) as raised:
            await distilled(opened, student, settings(keep=[abstains]))
    assert str(raised.value) == (
        "app shop: none of 12 answers of teacher was kept (12 no bound applies); "
        "loosen `keep`, or take a better teacher"
    )


async def test_the_budget_caps_the_teacher_and_what_it_cut_off_is_counted(workspace, settings, make_candidate):
    with simulated() as address:
        opened = workspace(address)
        opened.spend.budget = Budget(calls=5)
        found = await distilled(opened, make_candidate(opened.loaded), settings())
    assert (len(found.examples), found.dropped) == (5, {"not answered (skipped)": 7})


@pytest.mark.parametrize("terms", [None, "", "yes", "permitted-by-them"])
def test_without_terms_nothing_is_distilled(settings, terms):
    with pytest.raises(ValidationError, match="terms"):
        settings(terms=terms)


@pytest.mark.parametrize("split", ["sample", "full"])
def test_what_candidates_are_judged_on_teaches_nobody(settings, split):
    with pytest.raises(ValidationError, match=f"`{split}` is what candidates are judged on"):
        settings(split=split)


@pytest.mark.parametrize("bound", [{}, {"at_least": 1, "at_most": 1}])
def test_a_bound_has_one_end(settings, bound):
    with pytest.raises(ValidationError, match="set exactly one of at_least, at_most"):
        settings(keep=[{"metric": "exact", **bound}])


async def test_what_cannot_be_distilled_is_one_line(workspace, settings, make_candidate):
    opened = workspace("http://127.0.0.1:1/v1")
    student = make_candidate(opened.loaded)
    with pytest.raises(ConfigurationError, match="'nobody' cannot teach"):
        await distilled(opened, student, settings(teacher="nobody"))
    with pytest.raises(
        ConfigurationError, match="`keep` names the metric 'wit', which no answer has a score of; known"
    ):
        await distilled(opened, student, settings(keep=[{"metric": "wit", "at_least": 1}]))
    with pytest.raises(ConfigurationError, match=r"key `datasets\.examples` is not set"):
        await distilled(opened, student, settings(split="examples"))
    opened.datasets["train"] = replace(opened.datasets["train"], digest="all")
    with pytest.raises(ConfigurationError, match="the rows of `train` are those of `full`"):
        await distilled(opened, student, settings())
