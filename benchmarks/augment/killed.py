"""A fine-tune of the embedded model that is killed at random moments, beside one that is not."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.figure import Figure, Reach, Row

_SEED = 20261128


def killed(folder: Path, kills: int, steps: int) -> Row:
    """Kills a fine-tune, lets the same command finish it, and compares its weights with an uninterrupted run's.

    Args:
        folder: an empty one.
        kills: of one training.
        steps: of it.
    """
    import torch

    from tasks.tuning.checkpoint import load

    chance = random.Random(_SEED)  # noqa: S311 nothing secret
    whole, other = folder / "whole", folder / "killed"
    subprocess.run(_command(whole, steps), check=True)
    seconds = float((whole / "seconds.txt").read_text(encoding="utf-8"))
    resumed = []
    for _ in range(kills):
        with subprocess.Popen(_command(other, steps)) as process:
            # What is done before it is not done again: each start is killed within the time of some steps.
            while not (other / "began.txt").exists() and process.poll() is None:
                time.sleep(0.05)
            time.sleep(chance.uniform(0, 2 * seconds / kills))
            if process.poll() is None:
                os.kill(process.pid, signal.SIGKILL)
        (other / "began.txt").unlink(missing_ok=True)
        last = load(other)
        resumed.append(last.step if last else 0)
    subprocess.run(_command(other, steps), check=True)
    one, two = (torch.load(each / "ended.pt") for each in (whole, other))
    apart = max(float((one[name] - two[name]).abs().max()) for name in one)
    return Row(
        6,
        f"kill -9 at {kills} random moments of a fine-tune of {steps} steps, then the same command to its end",
        f"Seed {_SEED}; the embedded model, a checkpoint every 2 steps; weights beside an uninterrupted run's.",
        (
            Figure("largest difference of a weight", apart, Reach(at_most=1e-4), digits=7),
            Figure("steps that were done at the last kill", float(resumed[-1]), digits=0, note=f"of {resumed}"),
        ),
    )


def _command(folder: Path, steps: int) -> list[str]:
    folder.mkdir(exist_ok=True)
    return [sys.executable, "-m", "benchmarks.augment.killed", str(folder), str(steps)]


def _train(folder: Path, steps: int) -> None:
    import torch

    from benchmarks.augment.embedded_base import embedded_base
    from benchmarks.augment.shop_rows import shop_rows
    from configs.schema.finetune import Finetune
    from tasks.tuning.fitting import Fitting
    from tasks.tuning.tokens import tokenised
    from tasks.tuning.training import train

    settings = Finetune(steps=steps, batch=4, checkpoint_every=2)
    fitting = Fitting(embedded_base(), settings)
    rows = tokenised(shop_rows(60), fitting.tokenizer, 1024, "rows")
    (folder / "began.txt").touch()
    trained = train(fitting, settings, rows, (), folder, lambda *_: None)
    torch.save(trained.weights, folder / "ended.pt")
    (folder / "seconds.txt").write_text(str(trained.facts["seconds"]), encoding="utf-8")


if __name__ == "__main__":
    _train(Path(sys.argv[1]), int(sys.argv[2]))
