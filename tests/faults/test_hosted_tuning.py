"""A fine-tune at a provider's, killed between each two of its steps: one job is made, paid and taken."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import openai
import pytest

from infra.simulator.behaviour import Behaviour
from infra.simulator.running import simulated, statistics

pytestmark = pytest.mark.fault

POINTS = (
    "look_for:1",
    "upload:1",
    "upload:2",
    "remember:1",
    "create:1",
    "see:1",
    "checkpoints:1",
    "remember:1",
    "delete:1",
    "delete:2",
)
"""Each is met by a process that goes on where the one before was killed."""


def test_killed_between_any_two_steps_one_job_is_made_and_paid(tmp_path, make_app):
    with simulated(Behaviour(tuning_s=0.2)) as address:
        make_app(address, budget={"price": 100})
        price = {"as_of": "2026-11-23", "models": {"chat": {"input": 0, "output": 0, "training": 10_000}}}
        (tmp_path / "prices.yaml").write_text(json.dumps(price), encoding="utf-8")
        process = str(Path(__file__).with_name("tuning_process.py"))
        command = [sys.executable, process, str(tmp_path), *POINTS, "whole", "whole"]
        ended = subprocess.run(command, check=True, capture_output=True, text=True)
        *killed, document, again = map(json.loads, ended.stdout.splitlines())
        provider = openai.OpenAI(base_url=address, api_key="any")
        (job,) = provider.fine_tuning.jobs.list()
        assert statistics(address)["tuning_jobs"] == 1
        assert list(provider.files.list()) == [], "none was sent twice: it would have stayed"
    assert killed == [{"point": point, "signal": signal.SIGKILL} for point in POINTS], ended.stderr
    assert (document["model"], len(document["losses"])) == (job.fine_tuned_model, 6)
    assert document["facts"]["price"] == pytest.approx(job.trained_tokens / 100)
    assert again == document
    assert document["spent"] == 0, "a command before this one has booked it"
