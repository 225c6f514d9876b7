"""Trains: steps over the rows, looks at those held out, and checkpoints from which it goes on after any end.

Imported only where something is trained: it needs torch.
"""

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import torch

from configs.errors import DataError
from configs.schema.finetune import Finetune
from tasks.tuning.checkpoint import Best, Checkpoint, load, save
from tasks.tuning.fitting import Fitting, Weights
from tasks.tuning.memory import Peak
from tasks.tuning.order import order, rate_of, steps_of
from tasks.tuning.stopping import Look
from tasks.tuning.tokens import Tokens
from tasks.tuning.tuned import Loss

_CLIPPED_AT = 1.0
"""Length of a step's gradient at most."""


class Trained(NamedTuple):
    """What a training came to.

    Attributes:
        weights: of the best look at the held-out rows; the last where nothing is held out.
        losses: both curves.
        facts: `steps`, `best_step`, `rows`, `rows_per_s`, `seconds`, `peak_memory_mb`.
    """

    weights: Weights
    losses: tuple[Loss, ...]
    facts: dict[str, float]


def train(
    fitting: Fitting,
    settings: Finetune,
    rows: Sequence[Tokens],
    held_out: Sequence[Tokens],
    folder: Path,
    tell: Callable[[Sequence[Loss], int, int], None],
) -> Trained:
    """Fits the weights, from the last checkpoint on where there is one.

    A training that was killed and goes on ends with the weights of one that was not, but for the last bits of sums.

    Args:
        fitting: what is fitted; ends with the weights that are returned.
        settings: how.
        rows: what it is fitted to.
        held_out: rows whose loss says when to stop; none to take every step.
        folder: of its checkpoints.
        tell: takes the points of the curves that are new, the steps that are done, and those there are at most.

    Raises:
        DataError: a checkpoint cannot be written, or the loss is no number any more.
    """
    steps = steps_of(len(rows), settings)
    optimizer = torch.optim.AdamW(fitting.weights, lr=settings.learning_rate, weight_decay=0.0)
    state = _State(fitting, optimizer, load(folder))
    upcoming = order([row.prompt for row in rows], settings, state.step)
    tell(state.losses, state.step, steps)
    while state.step < steps and state.looks < settings.patience:
        parts = [[rows[place] for place in places] for places in next(upcoming)]
        new = [Loss(state.step + 1, "train", _step(fitting, optimizer, parts, settings, state.step, steps))]
        state.step += 1
        if held_out and (state.step % settings.look_every == 0 or state.step == steps):
            new.append(state.look(held_out))
        state.losses += new
        if state.step % settings.checkpoint_every == 0 and state.step < steps:
            save(state.checkpoint(), folder)
        tell(new, state.step, steps)
    best = state.best
    if best is not None:
        fitting.load(best.weights)
    seconds = state.seconds
    seen = state.step * settings.batch * settings.accumulation
    return Trained(
        weights=fitting.state(),
        losses=tuple(state.losses),
        facts={
            "steps": state.step,
            "best_step": best.step if best else state.step,
            "rows": len(rows),
            "rows_held_out": len(held_out),
            "seconds": seconds,
            "rows_per_s": seen / seconds if seconds else 0.0,
            "peak_memory_mb": state.peak_mb,
        },
    )


class _State:
    """A training under way."""

    def __init__(self, fitting: Fitting, optimizer: torch.optim.Optimizer, last: Checkpoint | None) -> None:
        self._fitting, self._optimizer = fitting, optimizer
        self._peak, self._started = Peak(), time.monotonic()
        self._before_s = last.seconds if last else 0.0
        self._before_mb = last.peak_mb if last else 0.0
        self.step = last.step if last else 0
        self.losses = list(last.losses) if last else []
        self.best = last.best if last else None
        self.looks = last.looks if last else 0
        if last is not None:
            fitting.load(last.weights)
            optimizer.load_state_dict(last.optimizer)
            torch.set_rng_state(last.random)
            if last.random_gpu is not None and fitting.device.type == "cuda":
                torch.cuda.set_rng_state(last.random_gpu, fitting.device)

    @property
    def seconds(self) -> float:
        return self._before_s + time.monotonic() - self._started

    @property
    def peak_mb(self) -> float:
        return max(self._before_mb, self._peak.megabytes)

    def look(self, held_out: Sequence[Tokens]) -> Loss:
        """Returns the loss of what is held out, and remembers the weights where it is the best so far.

        What is neither better nor worse beyond noise says nothing about when to stop.
        """
        look = Look(self._fitting.losses(held_out), tuple(len(row.answer) for row in held_out))
        if self.best is None or look.mean < self.best.loss:
            self.best, self.looks = Best(self.step, look.mean, self._fitting.state(), look.losses), 0
        elif look.is_worse_than(self.best.losses):
            self.looks += 1
        return Loss(self.step, "held_out", look.mean)

    def checkpoint(self) -> Checkpoint:
        device = self._fitting.device
        return Checkpoint(
            step=self.step,
            weights=self._fitting.state(),
            optimizer=self._optimizer.state_dict(),
            random=torch.get_rng_state(),
            losses=tuple(self.losses),
            best=self.best,
            looks=self.looks,
            seconds=self.seconds,
            peak_mb=self.peak_mb,
            random_gpu=torch.cuda.get_rng_state(device) if device.type == "cuda" else None,
        )


def _step(
    fitting: Fitting,
    optimizer: torch.optim.Optimizer,
    parts: Sequence[Sequence[Tokens]],
    settings: Finetune,
    step: int,
    steps: int,
) -> float:
    """Takes one step, and returns the mean loss of an answer's token in it."""
    over = sum(len(row.answer) for part in parts for row in part)
    loss = sum(fitting.backward(part, over) for part in parts)
    if not math.isfinite(loss):
        raise DataError(f"the training's loss is no number at step {step + 1}; lower `finetune.learning_rate`")
    torch.nn.utils.clip_grad_norm_(fitting.weights, _CLIPPED_AT)
    for group in optimizer.param_groups:
        group["lr"] = rate_of(step, steps, settings)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return loss / over
