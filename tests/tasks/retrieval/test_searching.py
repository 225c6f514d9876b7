"""The move `search_retrieval`, whole: a simulated endpoint embeds and answers, the search measures and asks."""

import json
from dataclasses import replace

import pytest

from configs.errors import ConfigurationError
from configs.schema.augment import Grid, SearchRetrieval
from configs.schema.dataset import Columns, Datasets
from infra.simulator.running import simulated
from tasks.calling.asking import Spend
from tasks.journal.journal import Journal
from tasks.results.searches import search_of
from tasks.results.store import Store
from tasks.retrieval.index import load_index
from tasks.retrieval.measuring import measure
from tasks.retrieval.searched import RetrievalSearch
from tasks.retrieval.searching import searched
from tasks.retrieval.wordpiece import token_spans
from tasks.workspace import Workspace

THINGS = ("Larkspur", "Badger", "Sundial", "Juniper", "Rookery", "Linnet")
WHAT = ("tent", "cooler", "panel", "chair", "table", "gaiters")


def write(path, records):
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")


@pytest.fixture
def workspace(make_app, tmp_path):
    """Opens the workspace of a shop whose examples ask for six things, and for one that there is not."""

    def open_(address, journal, examples=None):
        loaded = make_app(address)
        write(
            tmp_path / "documents.jsonl",
            [
                {"id": f"P{at}", "text": f"{name}: a {what} that weighs {at} kg and costs {10 * at} dollars"}
                for at, (name, what) in enumerate(zip(THINGS, WHAT, strict=True))
            ],
        )
        rows = [
            {"id": f"e{at}", "question": f"How heavy is the {name} {what}", "reference": f"{at} kg", "d": [f"P{at}"]}
            for at, (name, what) in enumerate(zip(THINGS, WHAT, strict=True))
        ]
        rows.append(
            {"id": "e9", "question": "How heavy is the Walrus tent", "reference": "unknown", "a": False, "d": []}
        )
        rows.append({"id": "e10", "question": "Why?", "reference": "read by the gate", "d": ["P1"]})
        write(tmp_path / "rows.jsonl", [{"id": "r1", "question": "Why?", "reference": "", "d": ["P1"], "a": True}])
        write(tmp_path / "examples.jsonl", rows if examples is None else examples)
        (tmp_path / "prompt.prompty").write_text("user:\n{{documents}}\n{{question}}\n", encoding="utf-8")
        datasets = Datasets(
            sample="rows.jsonl",
            full="rows.jsonl",
            examples="examples.jsonl",
            columns=Columns(documents="d", answerable="a", reference="reference"),
        )
        loaded = replace(loaded, app=loaded.app.model_copy(update={"datasets": datasets}))
        return Workspace(loaded, "first", Spend(loaded.app.budget), journal, Store(tmp_path / "results"), tmp_path)

    return open_


MOVE = SearchRetrieval(
    kind="search_retrieval",
    name="find-better",
    otherwise="I do not know.",
    finalists=4,
    first_rows=2,
    over=Grid(search=("vectors", "lexical"), named_only=(False, True), top_k=(1, 2)),
)


async def test_settings_are_measured_without_a_model_and_the_best_are_asked(workspace, make_candidate, tmp_path):
    with simulated() as address, Journal(tmp_path / "journal.db") as journal:
        opened = workspace(address, journal)
        base = make_candidate(opened.loaded, ("user", "{{documents}}\n{{question}}"))
        chosen = await searched(opened, base, MOVE)
        search = search_of(opened.store, chosen.digest, RetrievalSearch)
        made = opened.spend.made
        assert await searched(opened, base, MOVE) == chosen
        assert opened.spend.made == made, "asked again, it asks nothing"
    assert (chosen.move, chosen.parent, chosen.retrieval.otherwise) == ("find-better", base.digest, "I do not know.")
    assert chosen.retrieval.named_only, "one row in seven is about a thing that there is not"
    assert (search.split, search.rows, len(search.settings)) == ("examples", 7, 4)
    served = [setting.quality.served.value for setting in search.settings]
    assert served == sorted(served, reverse=True)
    assert search.settings[0].quality.estimate("kept_silent").value == 1
    assert [(each.rows, len(each.board)) for each in search.rounds] == [(2, 4), (4, 2)]
    assert search.rounds[-1].board[0].candidate == chosen.digest
    assert {"rank", "retrieval", "served", "mrr", "kept_silent"} <= set(search.as_rows()[0])
    assert len(search.rounds_as_rows()) == 6


async def test_what_is_not_found_is_answered_without_a_call(workspace, make_candidate, tmp_path, ask_all):
    with simulated() as address, Journal(tmp_path / "journal.db") as journal:
        opened = workspace(address, journal)
        chosen = await searched(opened, make_candidate(opened.loaded), MOVE)
        rows = [row for row in opened.dataset("examples").rows if row.id in ("e0", "e9")]
        from tasks.retrieval.opening import open_index

        index = open_index(opened.indexes, chosen.retrieval.index)
        before = opened.spend.made
        answers = await ask_all(
            chosen, rows, loaded=opened.loaded, journal=journal, epoch="again", spend=opened.spend, index=index
        )
        made = opened.spend.made - before
    assert answers[1].text == "I do not know."
    assert answers[1].context == ()
    assert answers[1].price == 0
    assert answers[1].latency.total > 0
    assert answers[0].context[0].id == "P0"
    assert made == 3, "two questions embedded, one answered"


async def test_too_few_rows_besides_the_gates_are_one_line(workspace, make_candidate, tmp_path):
    row = {"reference": "", "d": ["P1"], "a": True}
    rows = [{"id": "e1", "question": "Why?", **row}, {"id": "e2", "question": "How?", **row}]
    with Journal(tmp_path / "journal.db") as journal:
        opened = workspace("http://127.0.0.1:1/v1", journal, rows)
        with pytest.raises(ConfigurationError, match=r"examples\.jsonl: 1 rows say what should be found"):
            await searched(opened, make_candidate(opened.loaded), MOVE)


async def test_a_budget_that_ends_says_so_and_keeps_what_was_measured(workspace, make_candidate, tmp_path):
    with simulated() as address, Journal(tmp_path / "journal.db") as journal:
        opened = workspace(address, journal)
        budget = opened.loaded.app.budget.model_copy(update={"calls": 9})
        opened = replace(opened, spend=Spend(budget))
        chosen = await searched(opened, make_candidate(opened.loaded), MOVE)
        search = search_of(opened.store, chosen.digest, RetrievalSearch)
    assert opened.spend.made <= 9
    assert len(search.rounds) == 1


async def test_settings_that_differ_in_a_constant_or_in_how_many_are_reranked_are_told_apart(
    workspace, make_candidate, tmp_path
):
    rerank = tuple({"kind": "sentences", "of": of} for of in (2, 5))
    over = Grid(search=("hybrid",), fusion_constant=(10, 60), rerank=rerank, top_k=(1,))
    with simulated() as address, Journal(tmp_path / "journal.db") as journal:
        opened = workspace(address, journal)
        chosen = await searched(opened, make_candidate(opened.loaded), MOVE.model_copy(update={"over": over}))
        search = search_of(opened.store, chosen.digest, RetrievalSearch)
    assert len({setting.told for setting in search.settings}) == len(search.settings) == 4


async def test_lengths_in_tokens_are_tried_where_chunks_are_of_tokens_and_nothing_is_measured_twice(
    workspace, make_candidate, tmp_path, monkeypatch
):
    over = Grid(
        chunker=("words", "tokens"), chunk_words=(20, 30), chunk_tokens=(8, 12), search=("lexical",), top_k=(1,)
    )
    measured = []

    async def counted(*arguments):
        measured.append(arguments)
        return await measure(*arguments)

    monkeypatch.setattr("tasks.retrieval.searching.measure", counted)
    with simulated() as address, Journal(tmp_path / "journal.db") as journal:
        opened = workspace(address, journal)
        chosen = await searched(opened, make_candidate(opened.loaded), MOVE.model_copy(update={"over": over}))
        search = search_of(opened.store, chosen.digest, RetrievalSearch)
    told = {setting.told.partition(",")[0]: setting for setting in search.settings}
    assert set(told) == {"words 20", "words 30", "tokens 8", "tokens 12"}
    assert len(measured) == 4, "of eight combinations: a chunker counts by one of the two lengths"
    assert len({setting.index for setting in search.settings}) == 4
    assert told["tokens 8"].recipe.chunk_tokens == 8
    cut = load_index(opened.indexes, told["tokens 8"].index).texts
    assert len(cut) > len(THINGS)
    assert max(sum(1 for _ in token_spans(text)) for text in cut) <= 8
