"""A gate is told what its judges can see: nothing before they were calibrated, and no less than their noise after."""

from dataclasses import replace

import numpy as np
import pytest

from configs.schema.scorer import ScorerConfig
from tasks.judging.calibration import Calibration, save_calibration
from tasks.judging.instruments import instruments_of
from tasks.results.store import Store
from tasks.statistics.agreement import agreement
from tasks.statistics.rerun_noise import rerun_noise

LABELS = np.arange(20) % 5 + 1


@pytest.fixture
def loaded(make_app):
    """An app with a judge."""
    found = make_app("http://127.0.0.1:9/v1")
    scorers = (*found.app.scorers, ScorerConfig(name="relevance", model="chat"))
    return replace(found, app=found.app.model_copy(update={"scorers": scorers}))


@pytest.fixture
def calibrated(loaded, judge, tmp_path):
    """Keeps a calibration of the app's judge by scores for the labels 1 to 5, four times each."""
    store = Store(tmp_path / "results")

    def keep(scores):
        relevance = judge(loaded)
        calibration = Calibration(
            metric="relevance",
            version=relevance.version,
            model="chat",
            endpoint=relevance.endpoint,
            epoch="first",
            labels=20,
            coverage=1.0,
            agreement=agreement(scores, LABELS, np.arange(20), (1, 5)),
            noise=rerun_noise(np.array([[1.0, 2.0], [3.0, 3.0]] * 100)),
        )
        save_calibration(store, calibration)
        return calibration

    return store, keep


def test_a_judge_that_was_not_calibrated_is_unfit_and_other_scorers_are_no_instruments(loaded, calibrated):
    found = instruments_of(loaded, calibrated[0])
    assert found.keys() == {"relevance"}
    assert "was not calibrated in its present version; run `lifecycle run calibrate" in found["relevance"].unfit


def test_one_that_agrees_with_people_may_decide_down_to_its_noise(loaded, calibrated):
    store, keep = calibrated
    calibration = keep(LABELS)
    found = instruments_of(loaded, store)["relevance"]
    assert (found.unfit, found.smallest_difference(50)) == ("", calibration.noise.smallest_difference(50))
    assert found.smallest_difference(50) == pytest.approx(1.97 * 0.5 * (2 / 50) ** 0.5, rel=0.01)


def test_one_that_does_not_decides_nothing_and_says_why(loaded, calibrated):
    store, keep = calibrated
    keep(6 - LABELS)
    assert "judge relevance is unfit: its agreement with people" in instruments_of(loaded, store)["relevance"].unfit


def test_another_model_or_setting_is_another_judge(loaded, calibrated):
    store, keep = calibrated
    keep(LABELS)
    scorers = (*loaded.app.scorers[:-1], ScorerConfig(name="relevance", model="chat", settings={"max_tokens": 50}))
    changed = replace(loaded, app=loaded.app.model_copy(update={"scorers": scorers}))
    assert "not calibrated" in instruments_of(changed, store)["relevance"].unfit
