"""The sample app's texts agree with each other: every answer stands in the document it cites."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from configs.loading import load_app
from tasks.data.reading import read_dataset
from tasks.gating.check import check_gates
from tasks.prompting.prompty import read_prompty
from tasks.prompting.render import check_variables, render
from tasks.scoring.catalogue import metrics_of, scorers_of
from tasks.scoring.words import normalised, tokens

LOADED = load_app("outfitter")
DOCUMENTS = {
    document["id"]: document
    for document in map(json.loads, LOADED.path("documents.jsonl").read_text(encoding="utf-8").splitlines())
}
SPLITS = tuple(split for split in LOADED.app.datasets.paths() if split != "train")
ROWS = {split: read_dataset(LOADED, split).rows for split in SPLITS}
EVERY_ROW = [pytest.param(row, id=row.id) for rows in ROWS.values() for row in rows]


def test_documents_are_enough_products_and_policies_on_one_line_each() -> None:
    kinds = Counter(identifier[0] for identifier in DOCUMENTS)

    assert kinds["P"] >= 40
    assert kinds["S"] >= 10
    assert len({document["title"] for document in DOCUMENTS.values()}) == len(DOCUMENTS)
    assert all("\n" not in document["text"] for document in DOCUMENTS.values())
    assert all(document["text"].startswith(document["title"]) for document in DOCUMENTS.values())


@pytest.mark.parametrize(
    ("split", "least"), [("sample", 40), ("full", 160), ("redteam", 40), ("production", 60), ("examples", 20)]
)
def test_datasets_are_large_enough(split: str, least: int) -> None:
    assert len(ROWS[split]) >= least


def test_ids_are_unique_over_all_datasets() -> None:
    ids = [row.id for rows in ROWS.values() for row in rows]

    assert len(set(ids)) == len(ids)


def test_no_question_stands_twice_in_or_between_datasets() -> None:
    asked = Counter(normalised(row.question).rstrip("?!. ") for rows in ROWS.values() for row in rows)

    assert [question for question, times in asked.items() if times > 1] == []


def test_examples_are_about_things_that_no_evaluated_row_is_about() -> None:
    shown = {row.cluster for row in ROWS["examples"]}
    evaluated = {row.cluster for split in ("sample", "full", "production") for row in ROWS[split]}

    assert shown & evaluated == set()


def test_about_a_fifth_of_the_rows_has_no_answer_in_the_documents() -> None:
    for split in ("sample", "full", "production", "examples"):
        unanswerable = sum(row.answerable is False for row in ROWS[split])
        assert 0.18 <= unanswerable / len(ROWS[split]) <= 0.26, split
    assert sum(row.answerable is False for split in ("sample", "full") for row in ROWS[split]) >= 25


@pytest.mark.parametrize("split", ["sample", "full", "production"])
def test_every_kind_of_question_is_a_slice(split: str) -> None:
    kinds = Counter(row.slices["kind"] for row in ROWS[split])

    assert set(kinds) == {
        "product_fact",
        "policy",
        "price_threshold",
        "free_form",
        "follow_up",
        "unknown_fact",
        "unknown_product",
    }


@pytest.mark.parametrize("row", EVERY_ROW)
def test_a_row_agrees_with_its_documents(row) -> None:
    fact = row.columns["fact"]
    assert row.cluster in DOCUMENTS or row.cluster.startswith("none:")
    if not row.answerable:
        assert (row.documents, fact) == ((), "")
        assert "[" not in row.reference
        return
    (document,) = row.documents
    assert row.cluster == document
    assert row.reference.endswith(f" [{document}]")
    assert normalised(fact) in normalised(row.reference)
    if row.slices["kind"] != "price_threshold":
        assert normalised(fact) in normalised(DOCUMENTS[document]["text"])


@pytest.mark.parametrize("row", [row for row in EVERY_ROW if row.values[0].slices["kind"] == "price_threshold"])
def test_an_answer_about_a_price_is_right(row) -> None:
    price = int(re.search(r"price \$(\d+)", DOCUMENTS[row.documents[0]]["text"])[1])
    limit = int(re.search(r"\$?(\d+)", row.question[row.question.rfind("$") :])[1])

    assert f"${price}" in row.reference
    assert row.columns["fact"] == ("Yes" if price <= limit else "No")
    assert price != limit


def test_a_product_that_is_unknown_bears_no_name_of_the_catalogue() -> None:
    names = {
        document["title"].split()[0].casefold() for document in DOCUMENTS.values() if document["id"].startswith("P")
    }
    for row in (row for rows in ROWS.values() for row in rows if row.slices["kind"] == "unknown_product"):
        assert names.isdisjoint(re.findall(r"\w+", row.question.casefold())), row.id


def test_red_team_holds_attacks_and_harmless_questions_that_only_sound_unsafe() -> None:
    kinds = Counter(row.slices["kind"] for row in ROWS["redteam"])

    assert min(kinds.values()) >= 5
    assert all(row.answerable for row in ROWS["redteam"] if row.slices["kind"] == "sounds_unsafe")


@pytest.mark.parametrize("file", LOADED.app.prompts)
def test_a_prompt_is_short_and_reads_well_with_and_without_documents(file: str) -> None:
    prompt = read_prompty(LOADED.path(file)).prompt
    row = ROWS["sample"][0]
    check_variables(prompt, set(row.columns), file)

    closed_book = render(prompt, row.columns, row.messages)

    assert sum(len(message.content.split()) for message in closed_book) < 80
    assert "ocuments:" not in closed_book[-1].content
    assert closed_book[-1].content.endswith(row.question)


def test_hypothesis_and_moves_name_prompts_that_exist() -> None:
    names = {Path(file).stem for file in LOADED.app.prompts}
    hypothesis = LOADED.app.explore.hypothesis

    assert {hypothesis.treatment, hypothesis.control} <= names
    assert {move.prompt for move in LOADED.app.augment.moves if move.prompt} <= names


def test_gates_hypothesis_and_ranking_name_metrics_that_are_measured() -> None:
    metrics = metrics_of(scorers_of(LOADED))

    check_gates(LOADED.app, metrics)

    assert {LOADED.app.explore.rank_by, LOADED.app.explore.hypothesis.metric} <= set(metrics)


ARCHIVE = {
    document["id"]: document
    for document in map(json.loads, LOADED.path("archive.jsonl").read_text(encoding="utf-8").splitlines())
}
TRAIN = [json.loads(line) for line in LOADED.path("data/train.jsonl").read_text(encoding="utf-8").splitlines()]
EVERY_TRAINED = [pytest.param(row, id=row["id"]) for row in TRAIN]


def asked_in(row: dict) -> str:
    """Returns what the customer said in a training row: its question, or every turn of theirs."""
    turns = [message["content"] for message in row.get("messages", []) if message["role"] == "user"]
    return " ".join(turns) or row["question"]


def grams(text: str, size: int = 7) -> set[tuple[str, ...]]:
    """Returns the runs of so many tokens in a text."""
    words = tokens(text)
    return {tuple(words[at : at + size]) for at in range(len(words) - size + 1)}


def test_the_archive_is_of_other_products_and_policies_than_the_catalogue() -> None:
    first = {document["title"].split()[0].casefold() for document in DOCUMENTS.values()}
    products = [document for document in ARCHIVE.values() if not document["id"].startswith("S")]

    assert len(products) >= 60
    assert len(ARCHIVE) - len(products) >= 20
    assert ARCHIVE.keys().isdisjoint(DOCUMENTS)
    assert [d["title"] for d in products if d["title"].split()[0].casefold() in first] == []
    assert all(d["text"].startswith(d["title"]) and "\n" not in d["text"] for d in ARCHIVE.values())
    known = {gram for document in DOCUMENTS.values() for gram in grams(document["text"])}
    assert [d["id"] for d in ARCHIVE.values() if grams(d["text"]) & known] == []


def test_no_training_row_shares_its_words_with_a_row_that_is_evaluated() -> None:
    known = {gram for rows in ROWS.values() for row in rows for gram in grams(row.question)}
    asked = Counter(normalised(asked_in(row)).rstrip("?!. ") for row in TRAIN)

    assert [row["id"] for row in TRAIN if grams(asked_in(row)) & known] == []
    assert [question for question, times in asked.items() if times > 1] == []


def test_no_training_row_speaks_of_a_product_of_the_catalogue() -> None:
    titles = [normalised(d["title"]) for d in DOCUMENTS.values() if d["id"].startswith("P")]
    spoken = [(row["id"], title) for row in TRAIN for title in titles if title in normalised(asked_in(row))]

    assert spoken == []


def test_training_rows_are_of_every_kind_and_a_quarter_has_no_answer() -> None:
    kinds = Counter(row["kind"] for row in TRAIN)
    thresholds = Counter(row["fact"] for row in TRAIN if row["kind"] == "price_threshold")
    ids = {row["id"] for row in TRAIN} | {row.id for rows in ROWS.values() for row in rows}

    assert kinds.keys() == Counter(row.slices["kind"] for row in ROWS["full"]).keys()
    assert len(TRAIN) >= 480
    assert len(ids) == len(TRAIN) + sum(len(rows) for rows in ROWS.values())
    assert 0.22 <= sum(not row["answerable"] for row in TRAIN) / len(TRAIN) <= 0.3
    assert min(thresholds["Yes"], thresholds["No"]) >= 0.45 * thresholds.total()


@pytest.mark.parametrize("row", EVERY_TRAINED)
def test_a_training_row_agrees_with_the_archive(row: dict) -> None:
    assert row["cluster"] in ARCHIVE or row["cluster"].startswith("none:")
    if not row["answerable"]:
        assert (row["documents"], row["fact"], row["reference"]) == ([], "", "I do not know.")
        return
    (document,) = row["documents"]
    assert row["cluster"] == document
    assert row["reference"].endswith(f" [{document}]")
    assert normalised(row["fact"]) in normalised(row["reference"])
    if row["kind"] != "price_threshold":
        assert normalised(row["fact"]) in normalised(ARCHIVE[document]["text"])
        return
    price = int(re.search(r"price \$(\d+)", ARCHIVE[document]["text"])[1])
    limit = int(re.search(r"\$(\d+)", row["question"])[1])
    assert f"${price}" in row["reference"]
    assert row["fact"] == ("Yes" if price < limit else "No")
    assert price != limit


def test_a_product_that_no_training_document_describes_bears_no_whole_title() -> None:
    titles = [normalised(document["title"]) for document in ARCHIVE.values() if not document["id"].startswith("S")]

    for row in (row for row in TRAIN if row["kind"] == "unknown_product"):
        assert [title for title in titles if title in normalised(row["question"])] == [], row["id"]
