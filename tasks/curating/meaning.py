"""Texts that mean the same: pairs of embeddings that point the same way."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tasks.curating.near import Pair

if TYPE_CHECKING:
    import numpy as np

_AT_ONCE = 1024


def alike_pairs(vectors: "np.ndarray", cosine: float) -> Iterator[Pair]:
    """Yields every pair of vectors whose cosine is at least `cosine`; none is missed.

    Args:
        vectors: shape (texts, dimensions), each of length 1.
        cosine: -1 to 1.
    """
    import numpy as np

    for start in range(0, len(vectors), _AT_ONCE):
        block = vectors[start : start + _AT_ONCE] @ vectors[start:].T
        ones, others = np.nonzero(block >= cosine)
        for one, other in zip(ones.tolist(), others.tolist(), strict=True):
            if other > one:
                yield Pair(start + one, start + other, min(1.0, float(block[one, other])))
