"""Which rows each step of a training sees, and how large it is: all of it follows from the settings."""

import math
from collections.abc import Iterator

from configs.schema.finetune import Finetune


def steps_of(rows: int, settings: Finetune) -> int:
    """Returns how many steps a training takes at most."""
    if settings.steps is not None:
        return settings.steps
    return max(1, round(settings.epochs * rows / (settings.batch * settings.accumulation)))


def order(rows: int, settings: Finetune, step: int) -> Iterator[tuple[int, ...]]:
    """Yields the rows of each forward pass of a step, by their places.

    Rows are gone through in an order of its own in each epoch, which the seed decides; so a step's rows are known
    without those before it.

    Args:
        rows: how many there are.
        settings: batch, accumulation and seed.
        step: from 0.
    """
    import numpy as np

    orders: dict[int, np.ndarray] = {}
    for part in range(settings.accumulation):
        start = (step * settings.accumulation + part) * settings.batch
        places = []
        for at in range(start, start + settings.batch):
            epoch, place = divmod(at, rows)
            if epoch not in orders:
                orders[epoch] = np.random.default_rng([settings.seed, epoch]).permutation(rows)
            places.append(int(orders[epoch][place]))
        yield tuple(places)


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
