"""`finetune` on the real stack: the embedded base trained for two steps, served, evaluated, and traced back."""

import json
import shutil

import httpx
import mlflow
import pytest
import yaml

pytest.importorskip("torch", reason="the extra `finetune` is not installed")

pytestmark = [pytest.mark.stack, pytest.mark.model, pytest.mark.timeout(900)]


@pytest.fixture
def tuning_shop(shop, tmp_path):
    """A copy of the shop that asks the embedded model, with two training rows about each of its production items."""
    folder = shutil.copytree(shop, tmp_path / "tuning-shop")
    rows = [json.loads(line) for line in (folder / "data/production.jsonl").read_text(encoding="utf-8").splitlines()]
    asked = [(row, text) for row in rows for text in ("How heavy is item {}?", "Tell me the weight of item {}.")]
    train = [
        {**row, "id": f"t{at:02}", "question": text.format(row["documents"][0][1:])}
        for at, (row, text) in enumerate(asked)
    ]
    (folder / "data/train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in train), encoding="utf-8")
    sample = (folder / "data/sample.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    (folder / "data/sample.jsonl").write_text("".join(sample[:4]), encoding="utf-8")
    app = yaml.safe_load((folder / "app.yaml").read_text(encoding="utf-8"))
    app |= {
        "name": "tuning-shop",
        "prompts": ["plain.prompty"],
        "models": ["smollm2-135m"],
        "parameters": [{"name": "short", "temperature": 0, "max_tokens": 16}],
        "augment": {"moves": [{"name": "tuned", "kind": "finetune", "top_k": 1}]},
        "finetune": {"steps": 2, "batch": 4, "held_out": 0.2},
    }
    app["explore"].pop("hypothesis")
    app["datasets"]["train"] = "data/train.jsonl"
    (folder / "app.yaml").write_text(yaml.safe_dump(app, sort_keys=False), encoding="utf-8")
    return folder


def test_a_fine_tuned_candidate_is_served_as_trained_and_known_to_its_origins(stack, lifecycle, tuning_shop):
    def run(stage, *arguments, statuses=(0,)):
        done = lifecycle("run", stage, "--app", str(tuning_shop), "--json", *arguments, timeout=600)
        assert done.returncode in statuses, done.stderr
        return json.loads(done.stdout)

    explored = run("explore")
    made = run("finetune")
    assert (made["steps"], made["rows"] + made["rows_held_out"]) == (2, 20)
    assert made["parent"] == explored["leaderboard"][0]["candidate"]
    assert made["served_same_tokens"] >= 0.9
    assert {side for _, side, _ in made["losses"]} == {"train", "held_out"}

    served = httpx.get(f"http://127.0.0.1:{stack['LIFECYCLE_CHAT_PORT']}/lora-adapters", timeout=30).json()
    assert any(made["adapter"] in each["path"] for each in served)
    client = mlflow.MlflowClient(f"http://127.0.0.1:{stack['LIFECYCLE_MLFLOW_PORT']}")
    recorded = client.get_run(made["links"]["mlflow"].rsplit("/", 1)[-1])
    assert recorded.data.metrics["served_same_tokens"] == made["served_same_tokens"]
    assert [point.step for point in client.get_metric_history(recorded.info.run_id, "loss.train")] == [1, 2]

    again = run("finetune")
    assert (again["candidate"], again["seconds"]) == (made["candidate"], made["seconds"])

    judged = run("evaluate", statuses=(0, 3, 4))
    assert judged["candidate"] == made["candidate"]
    assert judged["calls"]["failed"] == 0
    lineage = lifecycle("lineage", made["candidate"], "--app", str(tuning_shop))
    assert lineage.returncode == 0, lineage.stderr
    for origin in (made["adapter"], made["parent"][:8]):
        assert origin in lineage.stdout
