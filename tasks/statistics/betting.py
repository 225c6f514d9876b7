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
_ROUNDING = 1e-12
_HOPE, _DOUBT = 1.5, 0.7
"""At first a mean gain of 1.5 times the hoped one is bet on, uncertain by 0.7 of that: the best of those measured."""
_SPREAD, _SPREAD_ROWS = 1 / 16, 10
"""Largest variance that is guessed before any gain is seen, and the rows that the guess counts as."""


def log_wealth(gains: Floats, floor: float, hoped: float, of: int | None = None, below: Floats | float = 0.0) -> Floats:
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
        below: how far below `floor` each gain may yet lie, known before it comes.
    """
    return log_capital(_bets(gains, floor, hoped, of), gains, floor - below, of)


def log_capital(bets: Floats, gains: Floats, floor: Floats | float, of: int | None = None) -> Floats:
    """Returns the logarithm of the capital after each gain, of whoever makes these bets.

    A bet that could cost more than nearly all of the capital is cut; with `of`, a set whose rest cannot bring the mean
    down to zero any more makes the capital infinite. The arguments are those of `log_wealth`.
    """
    left = _left(gains, of)
    # If the mean is not above zero, what is left has a mean of `left` at most; below the floor it cannot be, and at the
    # floor only where each of it is. Otherwise the mean is above zero for certain.
    reach = np.where(np.abs(left - floor) < _ROUNDING, 0.0, left - floor)
    refuted = (reach < 0) | ((reach == 0) & (gains - left > _ROUNDING))
    bets = np.minimum(bets, _MOST / np.maximum(reach, _ROUNDING))
    grown = np.log1p(np.where(reach > 0, bets * (gains - left), 0.0))
    return np.cumsum(np.where(refuted, np.inf, grown), axis=-1)


def _bets(gains: Floats, floor: float, hoped: float, of: int | None) -> Floats:
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
    stake = np.maximum(mean - _left(gains, of), 0)
    skew = np.minimum(third / second, ceiling + floor)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.nan_to_num(stake / np.maximum(second - stake * skew, stake**2)))


def _left(gains: Floats, of: int | None) -> Floats:
    """Returns before each gain what the mean of the rest would be, if that of all were zero."""
    if of is None:
        return np.zeros(1)
    return -(np.cumsum(gains, axis=-1) - gains) / (of - np.arange(gains.shape[-1]))
