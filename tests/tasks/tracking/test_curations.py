"""A curation in MLflow: inputs, funnel, rows set apart, classes and checks; once, however often it is written."""

import json
from pathlib import Path

import pytest

from configs.loading import load_app
from tasks.curating.contamination import Leak
from tasks.curating.curation import Curation
from tasks.curating.item import DATASET, Apart, Item, Kept
from tasks.curating.versions import Manifest, made_dataset
from tasks.data.report import Check, ValidationReport
from tasks.data.row import Message, Row
from tasks.identity import digest
from tasks.tracking.curations import record_curation


@pytest.fixture
def loaded():
    return load_app("outfitter")


def _item(name, side="train"):
    row = Row(
        name, (Message("user", f"What of {name}?"),), "This.", columns={"id": name, "question": f"What of {name}?"}
    )
    return Item(row, "production", DATASET, side, about="fact")


def _manifest(**more):
    values = {
        "app": "outfitter",
        "settings": {},
        "sources": {"production": "a" * 16},
        "guarded": {},
        "splits": {"train": "b" * 16},
        "rows": {"train": 2},
        "funnel": (),
        "apart": {},
        "balance": {},
    }
    return Manifest(**{**values, **more})


def _done():
    done = Curation((), redacted=3)
    done.begin(3)
    apart = Apart(_item("p3", ""), "swears", "probability 0.99")
    done.step("safe and answered", Kept((_item("p1"), _item("p2")), (apart,)))
    return done


def test_a_run_says_what_went_in_what_was_left_and_what_the_checks_found(client, loaded, tmp_path):
    done, manifest = _done(), _manifest()
    made = made_dataset(manifest, "train", tmp_path / "train.jsonl", done.items, loaded.app.datasets.columns)
    check = Check(dataset="outfitter/train", expectation="unique", passed=True, severity="critical", message="ids")
    report = ValidationReport(datasets={}, checks=(check,))
    plain = manifest.model_dump(mode="json")
    recorded = record_curation(loaded, done, "PASS", "# Page", [made], report, plain)
    assert record_curation(loaded, done, "PASS", "# Page", [made], report, plain) == recorded, "once"

    run = client.get_run(recorded.run_id)
    assert run.data.tags["lifecycle.kind"] == "curation"
    assert run.data.tags["lifecycle.dataset"] == digest(manifest)
    assert run.data.params["digest.train"] == "b" * 16
    assert run.data.params["source.production"] == "a" * 16
    assert run.data.metrics["rows.train"] == 2
    assert run.data.metrics["personal_data"] == 3
    assert [(each.dataset.name, each.dataset.digest) for each in run.inputs.dataset_inputs] == [
        ("outfitter/train", "b" * 16)
    ]
    files = {each.path for each in client.list_artifacts(recorded.run_id)}
    assert files == {"funnel.json", "apart.json", "classes.json", "checks.json", "page.md", "curation.json"}
    file = client.download_artifacts(recorded.run_id, "apart.json", str(tmp_path))
    table = json.loads(Path(file).read_text(encoding="utf-8"))
    assert table["data"] == [["p3", "production", "swears", "probability 0.99", "What of p3?"]]


def test_what_was_blocked_is_recorded_with_the_pairs(client, loaded):
    done = _done()
    done.leaks = (Leak(_item("s1", "sample"), _item("f1", "full"), "same question", 1.0),)
    recorded = record_curation(loaded, done, "FAIL", "# Page", [], None, _manifest(rows={}).model_dump(mode="json"))
    run = client.get_run(recorded.run_id)
    assert run.data.tags["lifecycle.verdict"] == "FAIL"
    assert "version" not in run.data.params
    assert run.data.metrics["contaminated_pairs"] == 1
    assert "contamination.json" in {each.path for each in client.list_artifacts(recorded.run_id)}
