"""The process beside the endpoint, here in a thread."""

import threading
from types import SimpleNamespace

import pytest

from tasks.alerting.outbox import open_outbox
from tasks.rollout import alarm
from tasks.serving import beside


@pytest.fixture
def running(shop, monkeypatch):
    """Returns the judge that works beside the shop."""
    ended = threading.Event()
    judge = SimpleNamespace(problem="", look=lambda: None)
    monkeypatch.setattr(beside, "Judge", lambda *_: judge)
    monkeypatch.setattr(beside.os, "nice", lambda _: 0)
    monkeypatch.setattr("sys.argv", ["beside", str(shop.loaded.folder)])
    monkeypatch.setattr("sys.stdin", SimpleNamespace(read=ended.wait))
    monkeypatch.setattr(alarm, "_FAILS_FOR_S", 0.0)
    thread = threading.Thread(target=beside.main)
    thread.start()
    yield judge
    ended.set()
    thread.join(timeout=20)
    assert not thread.is_alive()


def test_a_judge_that_cannot_act_is_told_and_that_it_can_again(shop, running):
    def open_alerts():
        with open_outbox("shop") as outbox:
            return [each.reason for each in outbox.alerts(10) if each.recovered is None]

    running.problem = "MLflow does not answer"
    shop.wait_until(lambda: open_alerts() == ["MLflow does not answer"])
    running.problem = ""
    shop.wait_until(lambda: open_alerts() == [])
