"""`curate` on the real servers: a version, the same again, what both UIs are told, and the splits that stop it."""

import json
from pathlib import Path

import mlflow
import pytest
import yaml

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]

THINGS = ["tent", "stove", "boots", "rope", "lamp", "bottle", "jacket", "map", "knife", "mat", "pole", "pan", "axe"]


@pytest.fixture
def store_app(tmp_path):
    """Folder of an app with production rows, of which one repeats another and one is nobody's business."""
    folder = tmp_path / "store"
    folder.mkdir()
    questions = [f"What does your best {thing} cost at the moment?" for thing in THINGS]
    rows = [
        {"id": f"p{at}", "question": text, "reference": f"{at} dollars.", "kind": ("price", "other")[at % 2]}
        for at, text in enumerate(questions)
    ]
    rows += [{**rows[0], "id": "again"}, {**rows[0], "id": "mine", "question": "Call +1 212 555 0187 about my order?"}]
    held = {"reference": "Yes.", "kind": "other"}
    for split, own in {
        "production": rows,
        "sample": [{"id": "s1", "question": "Do you ship to Norway in the winter?", **held}],
        "full": [{"id": "f1", "question": "Is there a garage near your shop?", **held}],
    }.items():
        (folder / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in own), encoding="utf-8")
    (folder / "answers.jsonl").write_text("", encoding="utf-8")
    rule = {"rules": [{"metric": "exact", "at_least": 0.5}]}
    app = {
        "name": "store",
        "description": "A store.",
        "target": {"kind": "answers", "path": "answers.jsonl"},
        "datasets": {
            **{split: f"{split}.jsonl" for split in ("sample", "full", "production")},
            "columns": {"reference": "reference", "slices": ["kind"]},
        },
        "scorers": [{"name": "exact"}],
        "gates": {"sample": rule, "release": rule},
        "explore": {"rank_by": "exact"},
        "curate": {"embedding_model": None},
    }
    (folder / "app.yaml").write_text(yaml.safe_dump(app), encoding="utf-8")
    return folder


def test_a_version_is_made_once_and_recorded_and_contamination_stops_it(stack, lifecycle, store_app):
    ended = lifecycle("run", "curate", "--app", str(store_app), "--json", timeout=560)
    assert ended.returncode == 0, ended.stderr
    made = json.loads(ended.stdout)
    assert made["verdict"] == "PASS"
    assert sum(made["rows"].values()) == 14
    assert made["apart"] == {"duplicate: same question": 1}
    assert made["personal_data"] == 1
    folder = Path(made["folder"])
    files = {f"{split}.jsonl" for split in made["splits"]}
    assert {file.name for file in folder.iterdir()} == {"apart.jsonl", "curation.json", *files}
    assert "555 0187" not in "".join(file.read_text(encoding="utf-8") for file in folder.iterdir())

    client = mlflow.MlflowClient(f"http://127.0.0.1:{stack['LIFECYCLE_MLFLOW_PORT']}")
    run = client.get_run(made["links"]["mlflow"].rpartition("/")[2])
    assert {each.dataset.digest for each in run.inputs.dataset_inputs} == set(made["splits"].values())
    assert run.data.metrics["checks"] > 0

    again = json.loads(lifecycle("run", "curate", "--app", str(store_app), "--json", timeout=560).stdout)
    assert again == made

    before = sorted(file.name for file in folder.parent.iterdir())
    production = (store_app / "production.jsonl").read_text(encoding="utf-8").splitlines()
    sample = store_app / "sample.jsonl"
    sample.write_text(json.dumps({**json.loads(production[0]), "id": "s9"}) + "\n", encoding="utf-8")
    (store_app / "full.jsonl").write_text(
        json.dumps({**json.loads(production[0]), "id": "f9"}) + "\n", encoding="utf-8"
    )
    stopped = lifecycle("run", "curate", "--app", str(store_app), "--json", timeout=560)
    assert stopped.returncode == 3, stopped.stderr
    told = json.loads(stopped.stdout)
    assert (told["verdict"], told["version"]) == ("FAIL", None)
    assert "sample row s9 and full row f9 (same question)" in told["reason"]
    assert [pair["row"] for pair in told["contamination"]] == ["s9"]
    assert sorted(file.name for file in folder.parent.iterdir()) == before, "nothing is written"
