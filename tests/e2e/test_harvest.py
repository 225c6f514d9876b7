"""What production was asked, down-voted, reviewed by a person, made a dataset version, and shown as a difference."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import httpx
import mlflow
import pytest
import yaml

from tasks.calling.answer import Answer, Latency, Outcome, Passage, Usage
from tasks.data.row import Message
from tasks.serving.record import RecordStore
from tasks.serving.served import Served
from tasks.serving.votes import Vote

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[2]
AT = datetime(2026, 11, 1, tzinfo=UTC)
THINGS = ["tent", "stove", "boots", "rope", "lamp", "bottle"]
COLUMNS = {
    "reference": "reference",
    "documents": "documents",
    "cluster": "about",
    "answerable": "answerable",
    "slices": ["kind"],
}


@pytest.fixture
def depot(tmp_path):
    """Folder of an app that answers what things cost; two newly labelled requests are enough for it."""
    folder = tmp_path / "depot"
    folder.mkdir()
    files = {
        "documents": [{"id": f"D{at}", "text": f"A {thing} costs {at}0 dollars."} for at, thing in enumerate(THINGS)],
        "production": [
            {"id": f"p{at}", "question": f"What does your best {thing} cost?", "kind": "price"}
            for at, thing in enumerate(THINGS)
        ],
        "answers": [],
    }
    for split in ("sample", "full"):
        row = {
            "id": split,
            "question": f"Which things are in the {split}?",
            "reference": f"Those of the {split} alone.",
        }
        files[split] = [{**row, "documents": [], "about": split, "answerable": True, "kind": "other"}]
    for name, rows in files.items():
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    rule = {"rules": [{"metric": "exact", "at_least": 0.5}]}
    app = {
        "name": "depot",
        "description": "A depot.",
        "target": {"kind": "answers", "path": "answers.jsonl"},
        "datasets": {**{name: f"{name}.jsonl" for name in ("sample", "full", "production")}, "columns": COLUMNS},
        "retrieval": {"documents": "documents.jsonl"},
        "scorers": [{"name": "exact"}, {"name": "support"}],
        "gates": {"sample": rule, "release": rule},
        "explore": {"rank_by": "exact"},
        "curate": {"embedding_model": None, "splits": {"train": 1.0}},
        "harvest": {"worst": 0.1, "random_share": 0.1, "augment_after": 2},
    }
    (folder / "app.yaml").write_text(yaml.safe_dump(app), encoding="utf-8")
    return folder


def play(home, folder):
    """Serves the production rows with answers that are made up, and votes against two."""
    rows = [json.loads(line) for line in (folder / "production.jsonl").read_text(encoding="utf-8").splitlines()]
    with RecordStore(home / "served" / "depot.db") as store:
        for at, row in enumerate(rows):
            wrong = at in (1, 3)
            text = f"It costs 999 dollars. [D{at}]" if wrong else f"The {THINGS[at]} costs {at}0 dollars. [D{at}]"
            passage = Passage(f"D{at}", f"A {THINGS[at]} costs {at}0 dollars.")
            answer = Answer(
                f"chatcmpl-{at}", Outcome.OK, text, context=(passage,), usage=Usage(9, 9), latency=Latency(1)
            )
            messages = (Message("user", row["question"]),)
            store.add(Served(answer.row_id, AT, "c" * 16, 1, row["id"], messages, {}, answer))
        for at in (1, 3):
            store.votes.add(Vote(f"chatcmpl-{at}", good=False, comment="wrong price, call +1 212 555 0187", at=AT))


def test_production_teaches_through_a_person(stack, lifecycle, depot):
    home = Path(stack["LIFECYCLE_HOME"])
    play(home, depot)

    def run(*arguments, typed=None):
        ended = subprocess.run(
            [sys.executable, "-m", "infra.cli.main", *arguments],
            check=False, env=stack, cwd=ROOT, capture_output=True, text=True, input=typed, timeout=500,
        )  # fmt: skip
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    def harvest():
        return json.loads(run("run", "harvest", "--app", str(depot), "--json"))

    first = harvest()
    assert (first["requests"], first["version"]) == (6, None)
    assert first["because"]["down-voted"] == 2
    assert first["because"]["random"] == 1
    assert f"`lifecycle review --app {depot}`" in first["next"]
    assert harvest()["picked"] == 0

    client = mlflow.MlflowClient(f"http://127.0.0.1:{stack['LIFECYCLE_MLFLOW_PORT']}")
    experiment = client.get_experiment_by_name("depot").experiment_id
    waiting = {
        trace.info.client_request_id
        for trace in client.search_traces(locations=[experiment], filter_string="tags.review = 'pending'")
    }
    listed = json.loads(run("review", "--app", str(depot), "--json"))
    assert {each["request"] for each in listed["pending"]} == waiting
    assert {"chatcmpl-1", "chatcmpl-3"} <= waiting
    assert "0187" not in json.dumps(listed)

    typed = {"chatcmpl-1": "A stove costs 10 dollars. [D1]", "chatcmpl-3": "q"}
    run("review", "--app", str(depot), typed="\n".join(typed.get(each["request"], "r") for each in listed["pending"]))
    one = harvest()
    assert one["version"]["verdict"] == "PASS"
    assert one["version"]["rows"] == {"train": 1}
    assert one["queue"]["corrected"] == 1

    typed["chatcmpl-3"] = "u"
    waiting_still = json.loads(run("review", "--app", str(depot), "--json"))["pending"]
    run("review", "--app", str(depot), typed="\n".join(typed.get(each["request"], "r") for each in waiting_still))
    two = harvest()
    assert two["version"]["rows"] == {"train": 2}
    assert two["next"] == f"2 newly labelled requests: `lifecycle run augment --app {depot}` makes the next candidate"
    assert harvest()["next"] == "", "once for these rows"

    shown = json.loads(run("diff", one["version"]["digest"], "production-reviewed", "--app", str(depot), "--json"))
    assert (shown["added"], shown["removed"], shown["changed"]) == (["chatcmpl-3"], [], [])
    rows = [
        json.loads(line) for line in (Path(two["version"]["folder"]) / "train.jsonl").read_text("utf-8").splitlines()
    ]
    assert [(row["reference"], row["origin_because"].split(",")[0]) for row in rows] == [
        ("A stove costs 10 dollars. [D1]", "down-voted"),
        ("I do not know.", "down-voted"),
    ]
    recorded = client.get_run(two["links"]["mlflow"].rpartition("/")[2])
    assert recorded.data.tags["lifecycle.dataset"] == two["version"]["digest"]
    assert recorded.data.metrics["checks"] > 0


def test_enough_new_labels_start_augment_by_an_automation(stack):
    with httpx.Client(base_url=f"http://127.0.0.1:{stack['LIFECYCLE_PREFECT_PORT']}/api", trust_env=False) as prefect:
        wanted = {"automations": {"name": {"any_": ["lifecycle.harvest.enough-labelled · shop"]}}}
        (found,) = prefect.post("/automations/filter", json=wanted).raise_for_status().json()
    assert [action["parameters"] for action in found["actions"]] == [{"announce": True}]
    assert found["trigger"]["expect"] == ["lifecycle.harvest.enough-labelled"]


def test_an_app_that_is_released_at_once_is_not_deployed_by_an_automation(stack):
    with httpx.Client(base_url=f"http://127.0.0.1:{stack['LIFECYCLE_PREFECT_PORT']}/api", trust_env=False) as prefect:
        names = {each["name"] for each in prefect.post("/automations/filter", json={}).raise_for_status().json()}
    assert "lifecycle.augment.candidate-made · shop" in names
    assert not any("gates-passed" in name for name in names)
