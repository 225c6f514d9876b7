"""An endpoint that rejects, fails, hangs and tears replies, all at once: every row ends with an outcome."""

import json
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from infra.simulator.behaviour import Behaviour, Fault
from infra.simulator.running import simulated_process, statistics

pytestmark = pytest.mark.fault

ROWS = 400
SHARES = {"rate_limited": 0.10, "server_error": 0.05, "hang": 0.02, "torn": 0.02}


def test_every_row_ends_and_nothing_that_was_answered_is_asked_again(make_app, asking):
    faults = tuple(Fault(kind=kind, share=share) for kind, share in SHARES.items())
    with simulated_process(Behaviour(latency_s=0.05, latency_sigma=0.3, slots=32, faults=faults)) as address:
        make_app(address, chat={"concurrency": 32, "timeout_s": 2.0, "retries": 3})
        command = asking(ROWS)
        ended = subprocess.run(command, cwd=Path.cwd(), capture_output=True, text=True, check=True, timeout=120)
        document, seen = json.loads(ended.stdout), statistics(address)
        outcomes = Counter(document["outcomes"])
        assert set(outcomes) <= {"ok", "app_error"}
        assert outcomes["ok"] >= 0.95 * ROWS
        for number, (text, outcome) in enumerate(zip(document["texts"], document["outcomes"], strict=True)):
            assert text == (f"question number {number}" if outcome == "ok" else "")
        assert all(seen[fault] > 0 for fault in ("rejected", "failed", "hung"))
        again = subprocess.run(command, cwd=Path.cwd(), capture_output=True, text=True, check=True, timeout=120)
        assert json.loads(again.stdout)["calls"]["reused"] == outcomes["ok"]
