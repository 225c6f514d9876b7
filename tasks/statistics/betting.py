"""Evidence on a bounded mean that may be looked at after every row: the wealth of a gambler who bets on it.

He bets, row after row, that the mean gain is above zero. Where it is not, no bet makes his wealth expected to grow, so
that it ever reaches 1/α with probability α at most (Ville 1939), however often one looks and whenever one stops:
Waudby-Smith and Ramdas, *Estimating means of bounded random variables by betting* (2024, arXiv:2010.09686).
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_MOST = 0.99
"""Share of the wealth that a single row may cost."""
_HOPE, _DOUBT = 1.5, 0.7
"""At first a mean gain of 1.5 times the hoped one is bet on, uncertain by 0.7 of that: the best of those measured."""
_SPREAD, _SPREAD_ROWS = 1 / 16, 10
"""Largest variance that is guessed before any gain is seen, and the rows that the guess counts as."""


def log_wealth(gains: Floats, floor: float, hoped: float, of: int | None = None) -> Floats:
    """Returns the logarithm of the wealth after each gain, of whoever bets that their mean is above zero.

    Each bet is the one that would grow fastest if the gains' first three moments were what those before say, and for
    the first of them what one hopes (GRAPA, the paper's section B.2, to the third order). A good guess makes the
    evidence come sooner; a bad one does not make it come wrongly.

    Args:
        gains: along the last axis, in the order in which they came; mostly between `floor` and `floor` + 1.
        floor: the lowest gain that there can be; below 0.
        hoped: the mean gain if things are as one hopes; above 0.
        of: with gains drawn at random and without replacement from so many, whose mean is in question; None where they
            are independent draws.
    """
    ceiling = max(floor + 1, 0)
    guess = min(_HOPE * hoped, ceiling / 2) if ceiling else _HOPE * hoped
    spread = min(_SPREAD, (ceiling - guess) * (guess - floor)) if ceiling else _SPREAD
    before = np.arange(gains.shape[-1])
    total = np.cumsum(gains, axis=-1) - gains
    squares = np.cumsum(gains**2, axis=-1) - gains**2
    cubes = np.cumsum(gains**3, axis=-1) - gains**3
    second = (spread * _SPREAD_ROWS + squares) / (_SPREAD_ROWS + before)
    third = (spread * _SPREAD_ROWS * (ceiling + floor) + cubes) / (_SPREAD_ROWS + before)
    weight = second / (_DOUBT * guess) ** 2
    mean = (weight * guess + total) / (weight + before)
    left = 0.0 if of is None else -total / (of - before)
    stake = np.maximum(mean - left, 0)
    # Where what is left cannot have so low a mean, the claim that the mean is not above zero is refuted.
    reach = np.maximum(left - floor, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        skew = np.minimum(third / second, ceiling + floor)
        bet = np.minimum(stake / np.maximum(second - stake * skew, stake**2), _MOST / reach)
        return np.cumsum(np.where(reach > 0, np.log1p(bet * (gains - left)), np.inf), axis=-1)
