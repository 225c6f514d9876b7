"""A training that is killed at any moment, again and again, ends with the weights of one that was not."""

import json
import random
import subprocess
import sys
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


def test_killed_twice_it_ends_with_the_same_weights(tiny_folder, tmp_path):
    chance = random.Random(7)  # noqa: S311
    moments = [f"{chance.randint(3, STEPS - 2)}+{chance.uniform(0, 0.02):.4f}" for _ in range(2)]
    runs = [("whole", "whole"), *(("killed", when) for when in (*moments, "whole"))]
    for name in ("whole", "killed"):
        (tmp_path / name).mkdir()
    command = [sys.executable, str(PROCESS), str(tiny_folder), str(STEPS)]
    command += [f"{tmp_path / name}={when}" for name, when in runs]
    done = subprocess.run(command, cwd=Path.cwd(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert all(each[-1] < STEPS for each in told[1:3]), "it was killed before its end"
    assert told[3][0] > 0, "it went on from a checkpoint"
    whole, killed = (torch.load(tmp_path / name / "ended.pt") for name in ("whole", "killed"))
    assert [each[:2] for each in killed["losses"]] == [each[:2] for each in whole["losses"]]
    assert [each[2] for each in killed["losses"]] == pytest.approx([each[2] for each in whole["losses"]], abs=1e-5)
    for name, weight in whole["weights"].items():
        assert torch.allclose(killed["weights"][name], weight, atol=1e-5)
