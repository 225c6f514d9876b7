"""A calibration in MLflow: the judge's prompt and parameters, what was measured, every label beside its score."""

import json
from pathlib import Path

import numpy as np
import pytest

from configs.schema.app import Parameters
from tasks.judging.calibrating import Calibrated
from tasks.judging.calibration import Calibration
from tasks.judging.criteria import CRITERIA
from tasks.judging.judge import Judge
from tasks.prompting.prompty import read_prompty
from tasks.statistics.agreement import agreement
from tasks.statistics.rerun_noise import rerun_noise
from tasks.tracking.calibrations import record_calibration


@pytest.fixture
def judge():
    criterion = CRITERIA["relevance"]
    prompt = read_prompty(criterion.prompt).prompt
    return Judge("relevance", criterion, prompt, "chat", "chat at home", Parameters(temperature=0.5))


@pytest.fixture
def calibrated(judge):
    labels = np.arange(20) % 5 + 1
    calibration = Calibration(
        metric=judge.name,
        version=judge.version,
        model=judge.model,
        endpoint=judge.endpoint,
        epoch="first",
        labels=20,
        coverage=1.0,
        agreement=agreement(labels, labels, np.arange(20), (1, 5)),
        noise=rerun_noise(np.array([[1.0, 2.0], [3.0, 3.0]])),
    )
    rows = [{"row_id": f"r{n}", "answer": "방수", "label": int(label), "score": 4.0} for n, label in enumerate(labels)]
    return Calibrated(calibration, tuple(rows))


def test_a_calibration_is_recorded_once_with_all_that_it_stands_on(client, of_app, judge, calibrated, tmp_path):
    recorded = record_calibration(of_app("judged"), judge, calibrated)
    assert record_calibration(of_app("judged"), judge, calibrated) == recorded
    run = client.get_run(recorded.run_id)
    assert run.info.run_name == "calibrate · relevance · fit"
    assert (run.data.params["judge"], run.data.params["temperature"]) == (judge.version, "0.5")
    assert run.data.params["scale"] == "1 to 5, higher is better"
    assert (run.data.metrics["kappa"], run.data.metrics["noise"]) == (1.0, 0.5)

    def artifact(name):
        return json.loads(Path(client.download_artifacts(recorded.run_id, name, str(tmp_path))).read_text("utf-8"))

    assert "Rate whether the text `answer` addresses" in artifact("prompt.json")[0]["template"]
    assert Calibration.model_validate(artifact("calibration.json")) == calibrated.calibration
    assert artifact("confusion.json")["data"][0] == [1, 4, 0, 0, 0, 0]
    assert artifact("rows.json")["data"][0] == ["r0", "방수", 1, 4.0]
