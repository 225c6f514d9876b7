"""What works beside the endpoint, here in a thread, and how its process ends."""

import signal
import sqlite3
import subprocess
import sys
import threading
from types import SimpleNamespace

import pytest

from configs.settings import settings
from tasks.alerting.outbox import open_outbox
from tasks.rollout import alarm
from tasks.serving import beside


@pytest.fixture
def running(shop, monkeypatch):
    """Returns the judge that works beside the shop."""
    stopped = threading.Event()
    judge = SimpleNamespace(problem="", look=lambda: None)
    monkeypatch.setattr(beside, "Judge", lambda *_: judge)
    monkeypatch.setattr(alarm, "_FAILS_FOR_S", 0.0)
    thread = threading.Thread(target=beside.work, args=(shop.loaded, stopped))
    thread.start()
    yield judge
    stopped.set()
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


@pytest.fixture
def start(shop):
    """Starts the process itself."""
    started = []

    def start():
        command = [sys.executable, "-m", "tasks.serving.beside", str(shop.loaded.folder)]
        started.append(subprocess.Popen(command, stdin=subprocess.PIPE))
        return started[-1]

    yield start
    for each in started:
        each.kill()
        each.wait()


def test_one_that_still_starts_ends_at_once(start):
    process = start()
    process.terminate()
    assert process.wait(timeout=20) == -signal.SIGTERM


@pytest.mark.parametrize("end", [subprocess.Popen.terminate, lambda process: process.stdin.close()])
def test_one_at_work_ends_when_it_is_told_to_or_left_alone(shop, start, end):
    with shop.open():
        shop.release("guide")
        shop.ask("hi")
    with sqlite3.connect(settings().folder("served") / "shop.db") as database:
        database.execute("UPDATE served SET flags = NULL")
    process = start()
    shop.wait_until(lambda: all(each.flags is not None for each in shop.served))
    end(process)
    assert process.wait(timeout=20) == 0
