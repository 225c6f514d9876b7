"""A judge that cannot act is told, once that lasts, and that it can again is told, too."""

from types import SimpleNamespace

import pytest

from configs.settings import settings
from tasks.alerting.outbox import open_outbox, outbox_files
from tasks.rollout.alarm import JudgeAlarm


@pytest.fixture
def app(tmp_path, monkeypatch, make_app):
    monkeypatch.setenv("LIFECYCLE_HOME", str(tmp_path / "home"))
    settings.cache_clear()
    yield make_app("http://127.0.0.1:9").app
    settings.cache_clear()


@pytest.fixture
def judge():
    return SimpleNamespace(problem=None)


def looked(alarm, seconds):
    for at in seconds:
        alarm.look(at)


def alerts():
    with open_outbox("shop") as outbox:
        return [(each.severity, each.title, each.reason, each.recovered is None) for each in outbox.alerts(10)]


def test_a_judge_that_fails_for_half_a_minute_is_one_alert_until_a_look_succeeds(app, judge):
    alarm = JudgeAlarm(app, judge)
    judge.problem = "MLflow does not answer"
    looked(alarm, range(30))
    assert not outbox_files()
    looked(alarm, range(30, 90))
    told = ("critical", "the rollout cannot be judged", "MLflow does not answer")
    assert alerts() == [(*told, True)]
    judge.problem = ""
    alarm.look(90)
    assert alerts() == [(*told, False)]


def test_one_that_fails_now_and_then_is_none(app, judge):
    alarm = JudgeAlarm(app, judge)
    for at in range(120):
        judge.problem = "a change of the champion is under way" if at % 20 else ""
        alarm.look(at)
    assert not outbox_files()


def test_a_judge_that_takes_the_place_of_one_that_failed_ends_the_alert_by_its_first_look(app, judge):
    judge.problem = "MLflow does not answer"
    looked(JudgeAlarm(app, judge), range(40))
    judge.problem = None
    alarm = JudgeAlarm(app, judge)
    alarm.look(0)
    assert [is_open for *_, is_open in alerts()] == [True], "nobody has looked yet"
    judge.problem = ""
    alarm.look(1)
    assert [is_open for *_, is_open in alerts()] == [False]
