"""Checkpoints of a training: all that decides how it goes on, in one file that appears whole or not at all.

Imported only where something is trained: it needs torch.
"""

import io
from pathlib import Path
from typing import Any, NamedTuple

import torch

from tasks.tuning.tuned import Loss
from tasks.writing import write_whole

_FILE = "checkpoint.pt"


class Best(NamedTuple):
    """The look at the held-out rows that had the lowest loss, and the weights it had it with.

    `losses` are those of each row; () in a checkpoint of a version that did not keep them.
    """

    step: int
    loss: float
    weights: dict[str, torch.Tensor]
    losses: tuple[float, ...] = ()


class Checkpoint(NamedTuple):
    """A training after some steps.

    Attributes:
        step: steps that are done; with the seed, also where in the data it is.
        weights: what is fitted.
        optimizer: state of the optimiser.
        random: state of torch's generator on the CPU.
        losses: both curves so far.
        best: None where nothing is held out.
        looks: looks at the held-out rows since the best one that were worse beyond noise.
        seconds: of training so far.
        peak_mb: memory of the process at most so far.
        random_gpu: state of torch's generator on the GPU, which dropout draws from there; None where there is none.
    """

    step: int
    weights: dict[str, torch.Tensor]
    optimizer: dict[str, Any]
    random: torch.Tensor
    losses: tuple[Loss, ...]
    best: Best | None
    looks: int
    seconds: float
    peak_mb: float
    random_gpu: torch.Tensor | None = None


def save(checkpoint: Checkpoint, folder: Path) -> None:
    """Writes a checkpoint in place of the one before it.

    Raises:
        DataError: the disk is full or refuses to be written; the one before it stays.
    """
    content = io.BytesIO()
    plain = checkpoint._asdict() | {
        "losses": [tuple(loss) for loss in checkpoint.losses],
        "best": checkpoint.best._asdict() if checkpoint.best else None,
    }
    torch.save(plain, content)
    write_whole(folder / _FILE, content.getvalue())


def load(folder: Path) -> Checkpoint | None:
    """Returns the last checkpoint, None where there is none, or none that can be read."""
    try:
        plain = torch.load(folder / _FILE, weights_only=True)
        best = Best(**plain["best"]) if plain["best"] else None
        return Checkpoint(**{**plain, "losses": tuple(Loss(*each) for each in plain["losses"]), "best": best})
    except FileNotFoundError:
        return None
    except Exception:  # one of another version, or damaged: the training begins anew, which costs time alone
        return None


def forget(folder: Path) -> None:
    """Removes the checkpoint of a training that has ended."""
    (folder / _FILE).unlink(missing_ok=True)
