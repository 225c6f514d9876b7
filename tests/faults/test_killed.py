"""A process that is killed while it asks: the same command finishes, no call is repeated, no row is lost."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from infra.simulator.behaviour import Behaviour
from infra.simulator.running import calls, simulated
from tasks.journal.journal import Journal

pytestmark = pytest.mark.fault

ROWS = 200
AT_ONCE = 8
CHAT = "/v1/chat/completions"


@pytest.mark.parametrize("kill_after", [5, 120])
def test_the_same_command_finishes_what_was_killed(tmp_path, make_app, asking, kill_after):
    with simulated(Behaviour(latency_s=0.1)) as address:
        make_app(address, chat={"concurrency": AT_ONCE})
        command = asking(ROWS)
        with subprocess.Popen(command, cwd=Path.cwd(), stdout=subprocess.DEVNULL) as killed:
            while calls(address).get(CHAT, 0) < kill_after:
                assert killed.poll() is None, "it ended before it could be killed"
                time.sleep(0.005)
            os.kill(killed.pid, signal.SIGKILL)
        with Journal(tmp_path / "journal.db") as journal:
            kept = sum(usage.calls for usage in journal.usage())
        sent = calls(address)[CHAT]
        # What was in flight when it died, and what was answered since the last commit (0.05 s), is all that was lost.
        assert 0 <= sent - kept <= 3 * AT_ONCE
        ended = subprocess.run(command, capture_output=True, text=True, check=True)
        document = json.loads(ended.stdout)
        assert document["texts"] == [f"question number {number}" for number in range(ROWS)]
        assert document["calls"] == {"made": ROWS - kept, "reused": kept, "failed": 0, "skipped": 0}
        assert calls(address)[CHAT] == sent + ROWS - kept
        again = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        assert again["calls"]["made"] == 0
        assert calls(address)[CHAT] == sent + ROWS - kept
