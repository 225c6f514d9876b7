"""Processes that raise alerts may die anywhere, and may be many: everybody is told, in order, and nobody twice."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from configs.settings import settings
from tasks.alerting.channel import PREFECT, Channel
from tasks.alerting.found import Found
from tasks.alerting.outbox import open_outbox, utc_now

pytestmark = pytest.mark.fault

HOOK = Channel("webhook", "SHOP_HOOK")


@pytest.fixture
def raising(tmp_path, monkeypatch, make_app, receiver):
    """Starts a process that raises these keys."""
    make_app("http://127.0.0.1:9")
    monkeypatch.setenv("LIFECYCLE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LIFECYCLE_PREFECT_URL", f"{receiver.address}/api")
    monkeypatch.setenv("SHOP_HOOK", f"{receiver.address}/hook")
    settings.cache_clear()
    script = str(Path(__file__).with_name("alerting_process.py"))
    yield lambda *keys: subprocess.Popen([sys.executable, script, str(tmp_path), *keys], cwd=Path.cwd())
    settings.cache_clear()


def test_one_that_is_killed_after_it_sent_sends_again_with_the_same_id(raising, receiver):
    process = []
    receiver.on_take = lambda: process[0].kill() if receiver.at("/hook") and not process[1:] else None
    process.append(raising("a"))
    assert process[0].wait(60) == -signal.SIGKILL
    process.append(raising("a"))
    assert process[1].wait(60) == 0
    first, second = receiver.at("/hook")
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.raw == second.raw
    with open_outbox("shop") as outbox:
        [alert] = outbox.alerts(10)
        assert alert.times == 2
        assert outbox.waiting() == ()


def test_one_that_is_killed_before_it_sent_is_made_up_for(raising, receiver):
    with open_outbox("shop") as outbox:
        outbox.look("monitor", [Found("a", "error", "a does not hold", "why")], [PREFECT, HOOK], utc_now())
    assert raising("a").wait(60) == 0
    assert [[each["key"] for each in got.json["opened"]] for got in receiver.at("/hook")] == [["a"]]


def test_two_at_once_send_each_message_once_and_in_order(raising, receiver):
    keys = [f"k{number:02}" for number in range(20)]
    with open_outbox("shop") as outbox:
        for count in range(1, len(keys) + 1):
            found = [Found(key, "error", f"{key} does not hold", "why") for key in keys[:count]]
            outbox.look("monitor", found, [PREFECT, HOOK], utc_now())
    receiver.answer("/hook", wait_s=0.02)
    both = [raising(*keys) for _ in range(2)]
    assert [process.wait(60) for process in both] == [0, 0]
    assert [got.json["opened"][0]["key"] for got in receiver.at("/hook")] == keys
    assert len(receiver.at("/api/events")) == len(keys)
