"""Several answers to one row: is any of k right, are all of them? Estimated without bias from n ≥ k answers.

The n answers stand for all that the application might have given. Of every k that can be drawn of them, without putting
any back, the share is counted that has one right answer at least (pass@k: Chen et al. 2021, arXiv:2107.03374, section
2.1) or right ones only (pass^k: Yao et al. 2024, arXiv:2406.12045, section 3).
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def pass_at_k(n: Floats, right: Floats, k: int) -> Floats:
    """Returns the probability that at least one of k answers is right: 1 − C(n − right, k) / C(n, k).

    Args:
        n: answers to each row.
        right: how many of them are right, from 0 to n.
        k: at least 1.

    Returns:
        From 0 to 1 for each row; NaN where n is less than k.
    """
    return 1 - _all_among(n, n - right, k)


def pass_hat_k(n: Floats, right: Floats, k: int) -> Floats:
    """Returns the probability that all of k answers are right, C(right, k) / C(n, k); otherwise as `pass_at_k`."""
    return _all_among(n, right, k)


def _all_among(n: Floats, marked: Floats, k: int) -> Floats:
    """Returns the probability that k of n, drawn without putting back, are all marked; NaN where n is less than k."""
    drawn = np.arange(k)[:, None]
    enough = np.where(n >= k, n, np.nan)
    return np.asarray(np.prod(np.maximum(marked - drawn, 0) / (enough - drawn), axis=0), np.float64)
