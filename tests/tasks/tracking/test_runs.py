import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from configs.errors import StackError
from tasks.data.report import Check, ValidationReport
from tasks.gating.verdict import Decision, Verdict
from tasks.tracking import recording, runs
from tasks.tracking.prompts import register_prompt


def runs_of(client, app, kind):
    experiment = client.get_experiment_by_name(app).experiment_id
    return client.search_runs([experiment], f"tags.`lifecycle.kind` = '{kind}'")


def artifact(client, run_id, name, folder):
    return json.loads(Path(client.download_artifacts(run_id, name, str(folder))).read_text(encoding="utf-8"))


def test_an_evaluation_holds_what_made_it_and_what_it_measured(client, of_app, evaluation, dataset, prompt, tmp_path):
    registered = register_prompt("whole", prompt())
    judged = evaluation("whole", failed={3}, broken={4}, prompt=registered)
    recorded = runs.record_evaluation(of_app("whole"), judged, dataset("whole"), judged.metrics)
    run = client.get_run(recorded.run_id)
    assert recorded.url.endswith(f"/#/experiments/{run.info.experiment_id}/runs/{recorded.run_id}")
    assert run.info.status == "FINISHED"
    assert run.data.tags["mlflow.runType"] == "genai_evaluate"
    assert json.loads(run.data.tags["mlflow.linkedPrompts"]) == [{"name": "whole.cited", "version": "1"}]
    assert run.data.params["temperature"] == "0.5"
    assert run.data.params["prompt_version"] == "1"
    estimate = judged.estimate("contains")
    measured = [run.data.metrics[f"contains{part}"] for part in ("", ".low", ".high", ".n", ".coverage")]
    assert measured == pytest.approx([estimate.value, estimate.low, estimate.high, 8, estimate.coverage])
    (given,) = run.inputs.dataset_inputs
    assert (given.dataset.name, given.dataset.digest) == ("whole/sample", "d1")
    files = {file.path for file in client.list_artifacts(recorded.run_id)}
    assert files == {"candidate.json", "rows.json", "estimates.json", "scores.png"}
    table = artifact(client, recorded.run_id, "rows.json", tmp_path)
    second = dict(zip(table["columns"], table["data"][1], strict=True))
    assert second["question"] == "라크스퍼 텐트는 방수인가요? 1"
    assert (second["contains"], second["pii_leak"], second["slice.kind"]) == (1.0, 0.0, "사실")


def test_an_evaluation_is_recorded_once(client, of_app, evaluation, dataset, monkeypatch):
    judged = evaluation("once")
    first = runs.record_evaluation(of_app("once"), judged, dataset("once"), judged.metrics)
    monkeypatch.setattr(recording, "_write", None)
    assert runs.record_evaluation(of_app("once"), judged, dataset("once"), judged.metrics) == first
    assert len(runs_of(client, "once", "evaluation")) == 1


@pytest.mark.parametrize("dies_in", ["_write_artifacts", "_input", "linked"])
def test_a_recording_that_was_interrupted_is_continued_and_doubles_nothing(
    client, of_app, evaluation, dataset, monkeypatch, dies_in
):
    class Killed(BaseException):
        pass

    def die(*_):
        raise Killed

    app = f"dies-in-{dies_in.strip('_').replace('_', '-')}"
    judged = evaluation(app)
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(*{"linked": (runs, "write_traces")}.get(dies_in, (recording, dies_in)), die)
        runs.record_evaluation(of_app(app), judged, dataset(app), judged.metrics)
    (interrupted,) = runs_of(client, app, "evaluation")
    assert "lifecycle.complete" not in interrupted.data.tags
    recorded = runs.record_evaluation(of_app(app), judged, dataset(app), judged.metrics)
    (run,) = runs_of(client, app, "evaluation")
    assert recorded.run_id == run.info.run_id == interrupted.info.run_id
    assert run.data.tags["lifecycle.complete"] == "true"
    assert len(client.get_metric_history(recorded.run_id, "contains")) == 1
    assert len(run.inputs.dataset_inputs) == 1
    experiment = run.info.experiment_id
    assert len(client.search_traces(locations=[experiment], run_id=run.info.run_id, include_spans=False)) == 10


def test_a_verdict_is_added_to_its_evaluation_and_a_later_one_takes_its_place(
    client, of_app, evaluation, dataset, tmp_path
):
    judged = evaluation("verdict")
    recorded = runs.record_evaluation(of_app("verdict"), judged, dataset("verdict"), judged.metrics)
    for decision in (Decision.INCONCLUSIVE, Decision.PASS, Decision.PASS):
        verdict = Verdict(
            gate="sample",
            decision=decision,
            candidate=judged.candidate.digest,
            champion=None,
            evaluations=(judged.id,),
            rules=(),
        )
        runs.record_verdict(of_app("verdict"), recorded, verdict, f"<p>{decision}</p>")
    tags = client.get_run(recorded.run_id).data.tags
    assert tags["lifecycle.gate.sample"] == "PASS"
    assert artifact(client, recorded.run_id, "verdict-sample.json", tmp_path)["decision"] == "PASS"
    page = client.download_artifacts(recorded.run_id, "verdict-sample.html", str(tmp_path))
    assert Path(page).read_text(encoding="utf-8") == "<p>PASS</p>"


def test_an_exploration_holds_its_leaderboard_and_plots(client, of_app, evaluation, tmp_path):
    board = [evaluation("explored"), evaluation("explored", model="other", failed={1})]
    rows = [{"rank": 1, "candidate": "a"}, {"rank": 2, "candidate": "b", "contains": "0.5 [0.4, 0.6]"}]
    first = runs.record_exploration(of_app("explored"), board, rows, None, board[0].metrics)
    assert runs.record_exploration(of_app("explored"), board, rows, None, board[0].metrics) == first
    assert artifact(client, first.run_id, "leaderboard.json", tmp_path) == {
        "columns": ["rank", "candidate", "contains"],
        "data": [[1, "a", None], [2, "b", "0.5 [0.4, 0.6]"]],
    }
    pictures = {file.path for file in client.list_artifacts(first.run_id)} - {"leaderboard.json"}
    assert pictures == {
        "leaderboard.png",
        "price-against-quality.png",
        "tokens-against-quality.png",
        "latency-against-quality.png",
    }
    assert client.get_run(first.run_id).data.params["best"] == board[0].candidate.digest


def test_a_validation_and_a_page_are_runs_of_their_own(client, of_app, dataset, tmp_path):
    check = Check(dataset="v/sample", expectation="unique id", passed=False, severity="warning", message="2 rows")
    report = ValidationReport(datasets={"v/sample": "d1"}, checks=(check,))
    recorded = runs.record_validation(of_app("v"), report, [dataset("v")])
    assert client.get_run(recorded.run_id).data.metrics == {"checks": 1, "failed": 1}
    assert artifact(client, recorded.run_id, "validation.json", tmp_path)["checks"][0]["message"] == "2 rows"
    url = runs.record_page(of_app("v"), "release 1", "# 릴리스 1")
    assert url == runs.record_page(of_app("v"), "release 1", "# 릴리스 1")
    assert url != runs.record_page(of_app("v"), "release 1", "# 릴리스 2")
    assert len(runs_of(client, "v", "page")) == 2


def test_a_window_holds_its_estimates_and_limits_and_gets_a_page(client, of_app, evaluation, tmp_path):
    from datetime import UTC, datetime

    judged = evaluation("window")
    since, until = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC)
    window = SimpleNamespace(
        candidate=judged.candidate.digest, since=since, until=until, requests=10, gone=1, estimates=judged.estimates
    )
    finding = SimpleNamespace(limit="contains at least 0.9", broken=True, reason="below", served=None, released=None)
    comparison = SimpleNamespace(broken=(finding,), judged=True, findings=(finding,))
    recorded = runs.record_window(of_app("window"), judged.candidate, window, comparison)
    run = client.get_run(recorded.run_id)
    assert run.info.run_name.endswith("limits broken")
    assert run.data.metrics["requests"] == 10
    assert run.data.metrics["contains"] == pytest.approx(judged.estimate("contains").value)
    runs.record_operations(recorded, "<p>페이지</p>")
    page = client.download_artifacts(recorded.run_id, "operations.html", str(tmp_path))
    assert Path(page).read_text(encoding="utf-8") == "<p>페이지</p>"


def test_nothing_is_printed_while_recording(client, of_app, evaluation, dataset, capfd):
    judged = evaluation("quiet")
    runs.record_evaluation(of_app("quiet"), judged, dataset("quiet"), judged.metrics)
    assert capfd.readouterr() == ("", "")


def test_a_server_that_does_not_answer_is_one_line(of_app):
    with pytest.raises(StackError) as error:
        runs.record_page(of_app("away"), "a", "b")
    assert str(error.value) == "MLflow does not answer at http://127.0.0.1:9; start it with `lifecycle up`"
