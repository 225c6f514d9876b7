"""Whether two sets of vectors come from the same distribution: the maximum mean discrepancy, judged by permutations.

Gretton, Borgwardt, Rasch, Schölkopf and Smola, *A kernel two-sample test* (2012, JMLR 13). Permuting who belongs to
which set gives a rank that is exactly uniform where both are alike, whatever the kernel and the distribution.
"""

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]

PERMUTATIONS = 999
_NOISE = 1e-6
"""Discrepancies as near as that are equal: what is left is noise, which depends on where a vector stands."""
_SAME = 0.8
"""Cosine from which on two texts say about the same."""


def likeness(one: Vectors, other: Vectors, sharpness: float) -> Vectors:
    """Returns how alike unit vectors are, from 0 to 1: a Gaussian kernel of their distance, shape (one, other).

    Args:
        one: unit vectors, shape (n, d).
        other: unit vectors, shape (m, d).
        sharpness: how fast likeness falls: vectors at a right angle are alike by e^(-2·sharpness).
    """
    return np.asarray(np.exp(2 * sharpness * (np.clip(one @ other.T, -1, 1) - 1)), np.float32)


def permutation_rank(known: Vectors, fresh: Vectors, sharpness: float, rng: np.random.Generator) -> float:
    """Returns the rank of the discrepancy of two sets among those of permuted ones; small where they differ.

    Args:
        known: unit vectors, shape (n, d).
        fresh: unit vectors, shape (m, d).
        sharpness: of their likeness; no choice makes the rank wrong, a good one makes it small where they differ.
        rng: draws the permutations, and the place among equal ones.
    """
    every = np.vstack([known, fresh])
    n, m = len(known), len(fresh)
    kernel = likeness(every, every, sharpness)
    chosen = np.zeros((n + m, PERMUTATIONS + 1), np.float32)
    chosen[n:, 0] = 1
    drawn = np.argpartition(rng.random((PERMUTATIONS, n + m)), m, axis=1)[:, :m]
    chosen[drawn.T, np.arange(1, PERMUTATIONS + 1)] = 1
    within = np.einsum("ij,ij->j", chosen, kernel @ chosen)
    to_all = kernel.sum(axis=1, dtype=np.float64) @ chosen
    # The discrepancy, but for what is the same for each permutation.
    found = within * (1 / m**2 + 2 / (m * n) + 1 / n**2) - to_all * (2 / (m * n) + 2 / n**2)
    same = np.abs(found[1:] - found[0]) <= _NOISE
    above = (found[1:] > found[0]) & ~same
    return float((above.sum() + rng.random() * (same.sum() + 1)) / (PERMUTATIONS + 1))


def most_changed(known: Vectors, fresh: Vectors, sharpness: float, count: int) -> list[int]:
    """Returns which fresh vectors stand most for what there is more of than before: the peaks of the witness function.

    Of those that say about the same, one is named.

    Args:
        known: unit vectors.
        fresh: unit vectors.
        sharpness: of their likeness.
        count: how many at most.
    """
    alike = fresh @ fresh.T
    witness = likeness(fresh, fresh, sharpness).mean(axis=1) - likeness(fresh, known, sharpness).mean(axis=1)
    found: list[int] = []
    for at in np.argsort(-witness, kind="stable"):
        if len(found) < count and all(alike[at, other] < _SAME for other in found):
            found.append(int(at))
    return found
