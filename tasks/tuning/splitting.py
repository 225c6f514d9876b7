"""Which training rows are used, and which of them are held out: by cluster, so that no cluster is on both sides."""

import hashlib
from collections.abc import Callable, Sequence
from typing import NamedTuple

from tasks.data.row import Row
from tasks.tuning.example import TrainingExample


class Sides(NamedTuple):
    """Examples that weights are fitted to, and those whose loss says when to stop; each in the file's order."""

    train: tuple[TrainingExample, ...]
    held_out: tuple[TrainingExample, ...]


def mixed(rows: Sequence[Row], unanswerable: float | None, seed: int) -> tuple[Row, ...]:
    """Returns the rows of which so large a share is unanswerable, in their order.

    Of the kind of which there are too many, rows are left out in the order of a hash of their ids; what the dataset
    does not mark counts as answerable.

    Args:
        rows: of the training set.
        unanswerable: share wanted; None for the rows as they are.
        seed: decides which are left out.
    """
    if unanswerable is None:
        return tuple(rows)
    no = [row for row in rows if row.answerable is False]
    yes = [row for row in rows if row.answerable is not False]
    if unanswerable < 1:
        no = _first(no, round(len(yes) * unanswerable / (1 - unanswerable)), seed)
    if unanswerable > 0:
        yes = _first(yes, round(len(no) * (1 - unanswerable) / unanswerable), seed)
    kept = {row.id for row in [*yes, *no]}
    return tuple(row for row in rows if row.id in kept)


def split(examples: Sequence[TrainingExample], held_out: float, seed: int) -> Sides:
    """Parts examples by their clusters.

    Clusters are taken in the order of a hash until the held-out side has its share; one side is never left empty
    where there are two clusters.

    Args:
        examples: at least one.
        held_out: share of the examples to hold out; 0 for none.
        seed: decides the clusters.
    """
    sizes: dict[str, int] = {}
    for example in examples:
        name = example.cluster or example.row_id
        sizes[name] = sizes.get(name, 0) + 1
    if not held_out or len(sizes) < 2:
        return Sides(tuple(examples), ())
    wanted, out, taken = held_out * len(examples), set[str](), 0
    for name in sorted(sizes, key=_by_hash(seed))[:-1]:
        # The cluster that would lead further away from the share than it is without it is passed over.
        if abs(taken + sizes[name] - wanted) < abs(taken - wanted) or not out:
            out.add(name)
            taken += sizes[name]
    aside = [example for example in examples if (example.cluster or example.row_id) in out]
    kept = [example for example in examples if (example.cluster or example.row_id) not in out]
    return Sides(tuple(kept), tuple(aside))


def _first(rows: list[Row], count: int, seed: int) -> list[Row]:
    return sorted(rows, key=lambda row: _by_hash(seed)(row.id))[:count]


def _by_hash(seed: int) -> Callable[[str], bytes]:
    return lambda name: hashlib.sha256(f"{seed} {name}".encode()).digest()
