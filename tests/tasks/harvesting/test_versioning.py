"""What people have said becomes a version of a dataset, which gives nothing away and says where each row comes from."""

import asyncio
import json
from pathlib import Path

import pytest

from pipelines.harvest import _go_on
from tasks.curating.differing import difference
from tasks.curating.named import named_dataset
from tasks.curating.versions import LATEST, REVIEWED, find_version
from tasks.harvesting.queue import Queue, queue_path
from tasks.harvesting.reviewed import reviewed_training_rows
from tasks.harvesting.versioning import make_version
from tasks.workspace import open_workspace


@pytest.fixture
def version():
    """Makes the version of what people have said."""

    def make(folder):
        with open_workspace(folder) as workspace, Queue(queue_path(workspace.home, workspace.name)) as queue:
            return asyncio.run(make_version(workspace, queue))

    return make


@pytest.fixture
def asked(serve, harvest):
    """Serves questions whose answers abstain, and harvests them."""

    def run(folder, answer="I do not know.", **questions):
        for name, question in questions.items():
            serve(name, question, answer, flags=("abstained",))
        harvest(folder)

    return run


def rows_of(reviewed, split="train"):
    lines = reviewed.version.path(split).read_text(encoding="utf-8").splitlines()
    return {row["id"]: row for row in map(json.loads, lines)}


def test_rows_have_the_person_s_reference_and_their_origin(make_shop, serve, vote, asked, review, version):
    folder = make_shop()
    vote_for = "Is the lamp you sell a good one?"
    serve("r0", vote_for, "The lamp costs 44 dollars. [D4]")
    vote("r0", "yes it is")
    asked(folder, r1="How dear is the rope of yours?", r2="Who is your king?", r3="Do you like the rain?")
    review("r0", "accepted")
    review("r1", "corrected", "The rope costs 43 dollars. [D3]")
    review("r2", "unanswerable")
    review("r3", "rejected")
    made = version(folder)
    rows = rows_of(made)
    assert sorted(rows) == ["r0", "r1", "r2"]
    assert rows["r1"] == {
        "id": "r1",
        "question": "How dear is the rope of yours?",
        "reference": "The rope costs 43 dollars. [D3]",
        "documents": ["D3"],
        "about": "D3",
        "answerable": True,
        "kind": "production",
        "answered_by": "c" * 16,
        "origin_request": "r1",
        "origin_because": "flagged",
        "origin_review": "corrected",
        "curated_from": "production-reviewed",
    }
    assert (rows["r0"]["reference"], rows["r0"]["origin_because"]) == ("The lamp costs 44 dollars. [D4]", "down-voted")
    assert (rows["r2"]["reference"], rows["r2"]["answerable"]) == ("I do not know that.", False)
    assert made.made.report.passed


def test_rows_that_the_app_adopts_hold_no_later_start_up(make_shop, asked, review, version, queue, monkeypatch):
    started = []

    async def nothing_waits(*_):
        return False

    monkeypatch.setattr("pipelines.harvest.emit", lambda *_: started.append(1))
    monkeypatch.setattr("pipelines.harvest.is_awaited", nothing_waits)
    folder = make_shop({"augment_after": 2})

    def go_on():
        with open_workspace(folder) as workspace:
            asyncio.run(_go_on(workspace, folder, queue, version(folder)))
        return len(started)

    asked(folder, r1="How dear is the rope of yours?", r2="What do I pay for boots?")
    review("r1", "corrected", "The rope costs 43 dollars. [D3]")
    assert go_on() == 0
    review("r2", "corrected", "The boots cost 42 dollars. [D2]")
    assert (go_on(), go_on()) == (1, 1)
    adopted = rows_of(version(folder)).values()
    with Path(folder, "full.jsonl").open("a", encoding="utf-8") as full:
        full.writelines(json.dumps(row) + "\n" for row in adopted)
    asked(folder, r3="Is a knife expensive here?", r4="Which sum buys me one mat?")
    review("r3", "corrected", "The knife costs 48 dollars. [D8]")
    review("r4", "corrected", "The mat costs 49 dollars. [D9]")
    assert sorted(rows_of(version(folder))) == ["r3", "r4"]
    assert go_on() == 2


def test_an_answer_that_names_no_document_is_about_the_one_that_holds_it(make_shop, asked, review, version):
    folder = make_shop()
    asked(folder, r1="How dear is that thing over there?")
    review("r1", "corrected", "The stove costs 41 dollars.")
    made = version(folder)
    assert (made.version, made.verdict) == (None, "PASS")
    assert made.made.manifest.apart == {"its cluster is held elsewhere": 1}, "the stove is the full data's"


def test_a_cluster_goes_to_the_side_that_has_it_or_nowhere(make_shop, asked, review, version):
    questions = {"r1": "Is the tent a dear one at all?", "r2": "Would a rope be dear with you?"}
    folder = make_shop(curate={"splits": {"train": 0.5, "sample": 0.5}})
    asked(folder, **questions)
    review("r1", "corrected", "The tent costs 40 dollars. [D0]")
    review("r2", "corrected", "The stove costs 41 dollars. [D1]")
    made = version(folder)
    assert sorted(rows_of(made, "sample")) == ["r1"]
    assert [(each.item.row.id, each.detail) for each in made.made.done.apart] == [("r2", "D1 belongs to full")]


def test_splits_of_the_app_that_give_each_other_away_stop_it(make_shop, asked, review, version, home):
    row = {"question": "How long is the longest rope of all?", "reference": "60 m.", "about": "", "kind": "other"}
    row |= {"documents": [], "answerable": True}
    folder = make_shop(sample=[{"id": "s1", **row}], full=[{"id": "f1", **row}])
    asked(folder, r1="How dear is the rope of yours?")
    review("r1", "corrected", "The rope costs 43 dollars. [D3]")
    made = version(folder)
    assert (made.version, made.verdict) == (None, "FAIL")
    assert "sample row s1 and full row f1 (same question)" in made.made.reason
    assert find_version(home, REVIEWED, "shop") is None


def test_nothing_that_nobody_looked_at_gets_in(make_shop, asked, version):
    folder = make_shop({"random_share": 1})
    asked(folder, "The rope costs 43 dollars. [D3]", r1="How dear is the rope of yours?")
    assert version(folder) is None


def test_the_same_words_are_the_same_version_and_more_are_one_more(make_shop, asked, review, version, home):
    folder = make_shop()
    asked(folder, r1="How dear is the rope of yours?", r2="Who is your king?")
    review("r1", "corrected", "The rope costs 43 dollars. [D3]")
    first = version(folder)
    assert version(folder).version == first.version
    review("r2", "unanswerable")
    second = version(folder)
    assert find_version(home, REVIEWED, "shop") == second.version
    assert find_version(home, LATEST, "shop") is None, "what `curate` made last is another matter"
    before, after = (named_dataset(name, home, folder) for name in (first.version.digest, REVIEWED))
    found = difference((before.name, after.name), before.records, after.records, "id", None)
    assert (found.added, found.removed, found.changed) == (("r2",), (), ())


def test_a_played_row_is_about_what_it_was_about(make_shop, serve, harvest, review, version):
    played = {
        "id": "p1",
        "question": "hi! is the rope a dear one?",
        "reference": "The rope costs 43 dollars. [D3]",
        "documents": ["D3"],
        "about": "ropes",
        "answerable": True,
        "kind": "chatty",
        "fact": "43",
    }
    folder = make_shop(production=[played])
    serve("r1", played["question"], "Rope costs 43 dollars. [D3]", flags=("abstained",), row_id="p1")
    harvest(folder)
    review("r1", "accepted")
    (row,) = rows_of(version(folder)).values()
    assert (row["about"], row["kind"], row["fact"]) == ("ropes", "chatty", "43")


def test_training_rows_are_found_by_whatever_learns(make_shop, asked, review, version):
    folder = make_shop()
    asked(folder, r1="How dear is the rope of yours?")
    with open_workspace(folder) as workspace:
        assert reviewed_training_rows(workspace) is None
    review("r1", "corrected", "The rope costs 43 dollars. [D3]")
    made = version(folder)
    with open_workspace(folder) as workspace:
        dataset = reviewed_training_rows(workspace)
    assert [row.reference for row in dataset.rows] == ["The rope costs 43 dollars. [D3]"]
    assert dataset.digest == made.made.manifest.splits["train"]
