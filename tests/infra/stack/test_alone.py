"""A part that was killed leaves a process behind: it is gone before the part runs again, and nobody else's is."""

import os
import signal
import subprocess
import sys

import psutil
import pytest

SERVER = """
import subprocess, sys
worker = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], stdout=subprocess.DEVNULL)
print(worker.pid, flush=True)
worker.wait()
"""


@pytest.fixture
def start(tmp_path):
    """Starts a server of a part of a home; returns its process, and its worker."""
    running, workers = [], []

    def begin(part, home="home"):
        command = [sys.executable, "-m", "infra.stack.alone", sys.executable, "-c", SERVER]
        environment = {**os.environ, "LIFECYCLE_STACK": str(tmp_path / home), "LIFECYCLE_PART": part}
        server = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        running.append(server)
        workers.append(psutil.Process(int(server.stdout.readline())))
        return server, workers[-1]

    yield begin
    for server in running:
        server.kill()
        server.communicate()
    for worker in workers:
        if worker.is_running():
            worker.kill()


def test_what_a_killed_server_left_behind_is_ended_before_it_runs_again(start):
    server, left = start("mlflow")
    os.kill(server.pid, signal.SIGKILL)
    server.wait()
    assert left.is_running()
    again, worker = start("mlflow")
    assert not left.is_running()
    assert again.poll() is None
    assert worker.is_running()


def test_other_parts_and_other_homes_are_left_alone(start):
    _, other_part = start("another")
    _, other_home = start("mlflow", home="elsewhere")
    start("mlflow")
    assert other_part.is_running()
    assert other_home.is_running()
