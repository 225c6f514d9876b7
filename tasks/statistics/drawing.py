"""The order in which rows are drawn: at random, and always the same, so that a run that is continued draws on."""

from collections.abc import Iterable
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray


def draw_key(cluster: str) -> bytes:
    """Returns what clusters are drawn in the order of.

    It depends on the cluster's name alone, so that rows which are added to a dataset do not change how the others
    stand to each other, and what was asked stays of use.
    """
    return blake2b(cluster.encode(), digest_size=8).digest()


def draw_order(clusters: Iterable[str], stages: Iterable[int] | None = None) -> NDArray[np.intp]:
    """Returns the positions of rows in the order in which they are drawn, the rows of a cluster together.

    Args:
        clusters: cluster of each row.
        stages: of each row, which comes before the draw: all rows of a stage before those of the next.
    """
    names = list(clusters)
    keys = {name: draw_key(name) for name in set(names)}
    steps = list(stages) if stages is not None else [0] * len(names)
    order = sorted(range(len(names)), key=lambda at: (steps[at], keys[names[at]], names[at], at))
    return np.array(order, dtype=np.intp)
