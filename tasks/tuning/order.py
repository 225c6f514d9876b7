"""Which rows each step of a training sees, and how large it is: all of it follows from the settings."""

import math
from collections.abc import Iterator, Sequence
from itertools import count, islice

from configs.schema.finetune import Finetune
from tasks.tuning.prefixes import runs_of

_AHEAD = 16
"""Groups among which one is looked for that the end of a batch does not cut."""

_Rows = tuple[int, ...]


def steps_of(rows: int, settings: Finetune) -> int:
    """Returns how many steps a training takes at most."""
    if settings.steps is not None:
        return settings.steps
    return max(1, round(settings.epochs * rows / (settings.batch * settings.accumulation)))


def order(prompts: Sequence[tuple[int, ...]], settings: Finetune, step: int) -> Iterator[tuple[_Rows, ...]]:
    """Yields, step by step and without end, the rows of each forward pass, by their places.

    Each epoch goes through every row once, in shuffled groups of rows whose prompts begin alike. The seed and the epoch
    decide both; so a step's rows are known without those before it.

    Args:
        prompts: tokens of each row's.
        settings: batch, accumulation, size of a group and seed.
        step: to begin with, from 0.
    """
    runs = runs_of(prompts) if settings.prefix_group > 1 else tuple((place,) for place in range(len(prompts)))
    places = _places(runs, settings, step * settings.accumulation * settings.batch)
    while True:
        yield tuple(tuple(islice(places, settings.batch)) for _ in range(settings.accumulation))


def rate_of(step: int, steps: int, settings: Finetune) -> float:
    """Returns the learning rate of a step.

    Args:
        step: from 0.
        steps: of the training at most.
        settings: highest rate, warm-up and schedule.
    """
    rising = round(settings.warmup * steps)
    if step < rising:
        return settings.learning_rate * (step + 1) / (rising + 1)
    if settings.schedule == "constant":
        return settings.learning_rate
    left = 1 - (step - rising) / max(1, steps - rising)
    return settings.learning_rate * (left if settings.schedule == "linear" else (1 - math.cos(math.pi * left)) / 2)


def _places(runs: Sequence[_Rows], settings: Finetune, start: int) -> Iterator[int]:
    """Yields the rows of all epochs one after the other, from the one at `start` on."""
    rows = sum(map(len, runs))
    epoch, done = divmod(start, rows)
    yield from _epoch(runs, settings, epoch, rows)[done:]
    for later in count(epoch + 1):
        yield from _epoch(runs, settings, later, rows)


def _epoch(runs: Sequence[_Rows], settings: Finetune, epoch: int, rows: int) -> list[int]:
    import numpy as np

    chance = np.random.default_rng([settings.seed, epoch])
    groups = [group for run in runs for group in _groups(run, settings.prefix_group, int(chance.integers(len(run))))]
    shuffled = [groups[place] for place in chance.permutation(len(groups))]
    return list(_uncut(shuffled, settings.batch, settings.batch - epoch * rows % settings.batch))


def _groups(run: _Rows, most: int, turned: int) -> Iterator[_Rows]:
    """Yields a run, turned so that others of its rows come together, in groups."""
    rows = run[turned:] + run[:turned]
    return (rows[at : at + most] for at in range(0, len(rows), most))


def _uncut(groups: Sequence[_Rows], batch: int, room: int) -> Iterator[int]:
    """Yields the rows of groups, and takes one before its turn where the next would be cut by the end of a batch.

    Args:
        groups: in their order.
        batch: rows of one.
        room: rows that the first batch still takes.
    """
    waiting = list(reversed(groups))
    while waiting:
        near = range(1, 1 + min(_AHEAD, len(waiting)))
        group = waiting.pop(-next((at for at in near if len(waiting[-at]) <= room), 1))
        yield from group
        room = (room - len(group)) % batch or batch
