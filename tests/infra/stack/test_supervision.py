"""The real supervisor with the two embedded models, in a home and on ports of its own."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from configs.errors import StackError
from configs.settings import settings
from infra.stack.leftovers import marked_processes
from infra.stack.status import status
from infra.stack.supervision import down, running, up
from infra.stack.supervisor import connect, log_path

pytestmark = pytest.mark.stack

USE_CHAT = """
import sys, time
from infra.stack.supervision import running
with running(["chat"]):
    print("in use", flush=True)
    time.sleep(600)
"""


@pytest.fixture(autouse=True)
def stack(fresh_settings):
    yield
    down()


def state_of(name):
    return next(part for part in status() if part.name == name)


def pids():
    return {part.name: part.pid for part in status() if part.pid}


def wait_until(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it did not come true within a minute"
        time.sleep(0.1)


def processes_in_use():
    return subprocess.Popen([sys.executable, "-c", USE_CHAT], stdout=subprocess.PIPE, text=True)


def test_up_twice_changes_nothing_and_down_leaves_nothing():
    assert up(["chat", "embedding"]).names == ("chat", "embedding")
    before = pids()
    assert {part.name: part.state for part in status() if part.pid} == {"chat": "ready", "embedding": "ready"}
    assert all(part.memory_mb > 50 and part.uptime_s >= 0 for part in status() if part.pid)
    assert up(["chat", "embedding"]).names == ()
    assert pids() == before
    assert down().names == ("chat", "embedding")
    assert marked_processes() == []
    assert not any(psutil.pid_exists(pid) for pid in before.values())
    assert down() == ((), 0)


@pytest.mark.fault
def test_a_killed_part_comes_back():
    up(["chat"])
    killed = pids()["chat"]
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: state_of("chat").state == "ready" and state_of("chat").pid != killed)


@pytest.mark.fault
def test_down_ends_the_parts_of_a_killed_supervisor_and_nothing_else(tmp_path):
    up(["chat", "embedding"])
    stranger = subprocess.Popen(["sleep", "600"], env=os.environ | {"LIFECYCLE_STACK": str(tmp_path / "other")})
    parts_before = pids()
    os.kill(connect().pid(), signal.SIGKILL)
    wait_until(lambda: connect() is None)
    assert {process.pid for process in marked_processes()} == set(parts_before.values())
    assert down().leftovers == 2
    assert marked_processes() == []
    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()


@pytest.mark.fault
def test_up_after_a_killed_supervisor_starts_anew():
    up(["chat"])
    before = pids()["chat"]
    os.kill(connect().pid(), signal.SIGKILL)
    wait_until(lambda: connect() is None)
    assert up(["chat"]).names == ("chat",)
    assert not psutil.pid_exists(before)
    assert state_of("chat").state == "ready"


def test_a_busy_port_is_one_line_and_nothing_is_started(fresh_settings):
    import socket

    with socket.socket() as holder:
        holder.bind(("127.0.0.1", fresh_settings.embedding_port))
        holder.listen()
        with pytest.raises(StackError, match="LIFECYCLE_EMBEDDING_PORT"):
            up(["chat", "embedding"])
    assert marked_processes() == []


def test_a_part_that_ends_at_its_start_quotes_its_log_and_takes_nothing_with_it(fresh_settings):
    up(["chat"])
    chat = pids()
    fresh_settings.folder().joinpath("models").write_text("in the way of the models' folder")
    with pytest.raises(StackError) as error:
        up(["chat", "embedding"])
    assert "embedding ended at its start: error: folder" in str(error.value)
    assert str(log_path("embedding")) in str(error.value)
    assert pids() == chat


def test_a_database_that_is_none_is_one_line(fresh_settings):
    (fresh_settings.folder("mlflow") / "mlflow.db").write_bytes(b"no database" * 100)
    with pytest.raises(StackError, match=r"mlflow's database .* cannot be opened"):
        up(["mlflow"])
    assert marked_processes() == []


def test_changed_settings_restart_the_parts_that_read_them(setting):
    up(["chat", "embedding"])
    before = pids()
    setting("LIFECYCLE_CHAT_SLOTS", "1")
    assert up(["embedding"]).names == ("chat",)
    assert pids()["embedding"] == before["embedding"]
    assert pids()["chat"] != before["chat"]


def test_a_block_stops_only_what_it_started():
    up(["embedding"])
    kept = pids()
    with running(["chat", "embedding"]):
        assert state_of("chat").state == "ready"
        with running(["chat"]):
            pass
        assert state_of("chat").state == "ready"
    assert pids() == kept


def test_the_last_user_ends_the_stack():
    other = processes_in_use()
    assert other.stdout.readline() == "in use\n"
    chat = pids()
    with running(["chat"]):
        assert pids() == chat
        other.terminate()
        other.communicate()
    assert connect() is None
    assert marked_processes() == []


@pytest.mark.fault
def test_a_user_that_was_killed_is_forgotten_by_the_next():
    killed = processes_in_use()
    assert killed.stdout.readline() == "in use\n"
    killed.kill()
    killed.communicate()
    assert state_of("chat").state == "ready"
    with running(["chat"]):
        assert len(list(settings().folder("stack", "users").iterdir())) == 1
    assert marked_processes() == []


def test_what_is_kept_while_a_block_uses_it_stays():
    with running(["chat"]):
        assert up(["chat"]).names == ()
    assert state_of("chat").state == "ready"


def test_two_at_once_start_one_stack():
    command = [sys.executable, "-m", "infra.cli.main", "up", "--part", "chat"]
    both = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = sorted(process.communicate()[1].splitlines()[-1] for process in both)
    assert [process.returncode for process in both] == [0, 0]
    assert said == ["already up", "started: chat"]


def test_a_deep_home_works(setting, tmp_path):
    setting("LIFECYCLE_HOME", str(tmp_path / ("deep" * 30)))
    up(["chat"])
    assert state_of("chat").state == "ready"
    down()
    assert marked_processes() == []
