"""A training that is killed at any moment, again and again, ends with the weights of one that was not."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the extra `finetune` is not installed")

import torch

pytestmark = [pytest.mark.fault, pytest.mark.timeout(900)]

STEPS = 12
PROCESS = Path(__file__).with_name("training_process.py")


@pytest.fixture(scope="module")
def tiny_folder(tmp_path_factory):
    """The tiny model of the tests of tuning, written by their own fixture."""
    import importlib.util

    path = Path(__file__).parents[1] / "tasks" / "tuning" / "conftest.py"
    spec = importlib.util.spec_from_file_location("tuning_conftest", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.write_tiny(tmp_path_factory.mktemp("tiny-llama"))


@pytest.fixture
def command(tiny_folder, tmp_path):
    def make(name):
        (tmp_path / name).mkdir(exist_ok=True)
        return [sys.executable, str(PROCESS), str(tiny_folder), str(tmp_path / name), str(STEPS)]

    return make


def test_killed_twice_it_ends_with_the_same_weights(command, tmp_path):
    subprocess.run(command("whole"), cwd=Path.cwd(), check=True, stdout=subprocess.DEVNULL)
    chance = random.Random(7)  # noqa: S311
    for _ in range(2):
        after, pause = chance.randint(3, STEPS - 2), chance.uniform(0, 0.02)
        with subprocess.Popen(command("killed"), cwd=Path.cwd(), stdout=subprocess.PIPE, text=True) as process:
            for line in process.stdout:
                if int(line) >= after:
                    break
            time.sleep(pause)
            os.kill(process.pid, signal.SIGKILL)
    told = subprocess.run(command("killed"), cwd=Path.cwd(), check=True, capture_output=True, text=True).stdout.split()
    whole, killed = (torch.load(tmp_path / name / "ended.pt") for name in ("whole", "killed"))
    assert int(told[0]) > 0, "it went on from a checkpoint"
    assert [each[:2] for each in killed["losses"]] == [each[:2] for each in whole["losses"]]
    assert [each[2] for each in killed["losses"]] == pytest.approx([each[2] for each in whole["losses"]], abs=1e-5)
    for name, weight in whole["weights"].items():
        assert torch.allclose(killed["weights"][name], weight, atol=1e-5)
