"""A process that is killed while a judge rates: the same command finishes, and no answer is rated twice."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from infra.simulator.behaviour import Behaviour, Rule
from infra.simulator.running import calls, simulated, statistics
from tasks.journal.journal import Journal

pytestmark = pytest.mark.fault

ROWS = 80
AT_ONCE = 4
CHAT = "/v1/chat/completions"
SAYS_FOUR = Rule(contains="", answer='{"reason": "It is to the point.", "score": 4}')


def test_the_same_command_finishes_what_was_killed(tmp_path, make_app, judging):
    with simulated(Behaviour(latency_s=0.05, rules=(SAYS_FOUR,))) as address:
        make_app(address, chat={"concurrency": AT_ONCE})
        command = judging(ROWS)
        with subprocess.Popen(command, cwd=Path.cwd(), stdout=subprocess.DEVNULL) as killed:
            while calls(address).get(CHAT, 0) < ROWS // 2:
                assert killed.poll() is None, "it ended before it could be killed"
                time.sleep(0.005)
            os.kill(killed.pid, signal.SIGKILL)
        with Journal(tmp_path / "journal.db") as journal:
            kept = sum(usage.calls for usage in journal.usage())
        sent = calls(address)[CHAT]
        # What was in flight when it died, and what was answered since the last commit, is all that was lost.
        assert 0 <= sent - kept <= 3 * AT_ONCE
        document = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        assert document["scores"] == [4.0] * ROWS
        assert document["calls"] == {"made": ROWS - kept, "reused": kept, "failed": 0, "skipped": 0}
        again = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        assert again["calls"]["made"] == 0
        assert calls(address)[CHAT] == sent + ROWS - kept


@pytest.mark.parametrize("stage", ["batches", "batch_lines"])
def test_deferred_the_same_command_finds_its_batch_and_no_line_is_paid_twice(tmp_path, make_app, judging, stage):
    with simulated(Behaviour(batch_s=1.0, rules=(SAYS_FOUR,))) as address:
        make_app(address)
        command = [*judging(ROWS), "deferred"]
        with subprocess.Popen(command, cwd=Path.cwd(), stdout=subprocess.DEVNULL) as killed:
            while not statistics(address)[stage]:
                assert killed.poll() is None, "it ended before it could be killed"
                time.sleep(0.005)
            os.kill(killed.pid, signal.SIGKILL)
        document = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        told = statistics(address)
        again = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert document["scores"] == again["scores"] == [4.0] * ROWS
    assert (told["batches"], told["batch_lines"], told["requests"]) == (1, ROWS, 0)
    assert again["calls"] == {"made": 0, "reused": ROWS, "failed": 0, "skipped": 0}
