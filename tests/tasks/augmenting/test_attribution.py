"""Why a candidate was refused, found out by asking a simulated model with other things before it."""

import json
from dataclasses import replace

import pytest

from configs.schema.app import Gates
from configs.schema.dataset import Columns
from configs.schema.gate import Gate, Rule
from infra.simulator.behaviour import Behaviour
from infra.simulator.behaviour import Rule as Answering
from infra.simulator.running import calls, simulated
from tasks.augmenting.attribution import _is_shown, attribute
from tasks.calling.answer import Answer, Outcome, Passage
from tasks.calling.asking import Spend
from tasks.data.reading import read_dataset
from tasks.data.row import Message, Row
from tasks.evaluating.asking import Asking
from tasks.evaluating.deciding import evaluate_and_decide
from tasks.journal.journal import Journal
from tasks.results.store import Store
from tasks.workspace import Workspace

ROWS = [
    {"id": "found", "question": "How heavy is A?", "fact": "1 kg", "documents": ["A"], "answerable": True},
    {"id": "unread", "question": "How heavy is B?", "fact": "2 kg", "documents": ["B"], "answerable": True},
    {"id": "mute", "question": "How heavy is C?", "fact": "3 kg", "documents": ["C"], "answerable": True},
    {"id": "shy", "question": "How heavy is D?", "fact": "4 kg", "documents": ["D"], "answerable": True},
    {"id": "silent", "question": "How heavy is F?", "fact": "6 kg", "documents": ["F"], "answerable": True},
    {"id": "unknown", "question": "How heavy is E?", "fact": "5 kg", "documents": [], "answerable": True},
]
DOCUMENTS = [
    {"id": "A", "text": "A weighs 1 kg."},
    {"id": "B", "text": "B, of two kilograms: 2 kg."},
    {"id": "C", "text": "C weighs 3 kg."},
    {"id": "D", "text": "D weighs 4 kg."},
    {"id": "F", "text": "F weighs 6 kg."},
]
BEHAVIOUR = Behaviour(
    rules=(
        Answering(contains="is C?", answer="Hm."),
        Answering(contains="is D?", answer="I do not know."),
        Answering(contains="F weighs", answer="6 kg. [F]"),
        Answering(contains="is F?", answer="I do not know."),
        Answering(contains="of two kilograms", answer="Something else."),
    )
)


@pytest.fixture
def refused(make_app, make_candidate, tmp_path):
    """Opens a workspace in which a candidate without documents was refused by the sample gate."""
    opened = []

    async def open_(address):
        scorers = [{"name": "exact"}, {"name": "contains", "settings": {"column": "fact"}}]
        loaded = make_app(address, scorers=scorers)
        _write(tmp_path / "rows.jsonl", [{"reference": f"It is {row['fact']}.", **row} for row in ROWS])
        _write(tmp_path / "documents.jsonl", DOCUMENTS)
        gate = Gate(rules=(Rule(metric="contains", at_least=0.9),), confidence=0.8)
        columns = Columns(reference="reference", documents="documents", answerable="answerable")
        datasets = loaded.app.datasets.model_copy(update={"columns": columns})
        app = loaded.app.model_copy(update={"gates": Gates(sample=gate, release=gate), "datasets": datasets})
        loaded = replace(loaded, app=app)
        journal = Journal(tmp_path / "journal.db")
        opened.append(journal)
        workspace = Workspace(loaded, "first", Spend(app.budget), journal, Store(tmp_path / "results"), tmp_path)
        candidate = make_candidate(loaded, ("user", "{{documents}}\n{{question}}"))
        dataset = read_dataset(loaded, "sample")
        decided = await evaluate_and_decide(workspace, candidate, None, dataset, Asking())
        assert str(decided.verdict.decision) == "FAIL"
        return workspace, candidate

    yield open_
    for journal in opened:
        journal.close()


def _write(file, records):
    file.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")


async def test_each_failure_is_told_from_the_others_by_what_stood_before_the_model(refused):
    with simulated(BEHAVIOUR) as address:
        workspace, candidate = await refused(address)
        found = await attribute(workspace, candidate, most=10)

    assert {each.row: each.cause for each in found.looked_at} == {
        "found": "retrieval",
        "unread": "context",
        "mute": "format",
        "shy": "refusal",
        "silent": "retrieval",
        "unknown": "knowledge",
    }
    assert (found.gate, found.rules, found.failures) == ("sample", ("contains at least 0.9",), 6)
    by_row = {each.row: each for each in found.looked_at}
    assert by_row["found"].with_documents == "A weighs 1 kg. [A]"
    assert by_row["unread"].with_documents == "Something else."
    assert by_row["unread"].with_answer == "It is 2 kg. [B]"
    assert by_row["shy"].with_answer is None  # it shows without asking
    assert by_row["found"].without is None  # nothing stood before the model anyway
    assert by_row["silent"].with_documents == "6 kg. [F]"


@pytest.mark.parametrize(
    ("shown", "is_shown"),
    [
        ((), False),
        ((Passage("B", "The tent weighs 2 kg."),), False),
        ((Passage("A", "The tent has two doors."),), False),
        ((Passage("A", "The tent"), Passage("A", "weighs 2 kg.")), True),
    ],
)
def test_a_document_is_shown_where_what_the_reference_takes_from_it_is(shown, is_shown):
    row = Row("r", (Message("user", "How heavy is it?"),), reference="It weighs 2 kg.", documents=("A",))
    assert _is_shown(row, Answer("r", Outcome.OK, context=shown), (Passage("A", "The tent weighs 2 kg."),)) is is_shown


async def test_looking_again_calls_nobody(refused):
    with simulated(BEHAVIOUR) as address:
        workspace, candidate = await refused(address)
        first = await attribute(workspace, candidate, most=10)
        before = calls(address)
        assert await attribute(workspace, candidate, most=10) == first
        assert calls(address) == before


async def test_only_so_many_failures_are_looked_at(refused):
    with simulated(BEHAVIOUR) as address:
        workspace, candidate = await refused(address)
        found = await attribute(workspace, candidate, most=2)
    assert (len(found.looked_at), found.failures) == (2, 6)


async def test_a_candidate_that_no_gate_has_refused_has_no_cause(refused, make_candidate):
    with simulated(BEHAVIOUR) as address:
        workspace, _ = await refused(address)
        assert await attribute(workspace, make_candidate(workspace.loaded), most=5) is None
