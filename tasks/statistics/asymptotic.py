"""Evidence on a mean without bounds, such as a time or a price, that may be looked at after every row.

Nothing exact can be said of values that know no largest. This is exact for normal gains of known variance, and nearly
so for others once there are enough of them: Robbins' mixture of normal likelihood ratios, the variance estimated as it
goes (Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, *Time-uniform central limit theory and asymptotic confidence
sequences*, 2024, arXiv:2103.06476).
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr

Floats = NDArray[np.float64]

LEAST = 30
"""Gains below which nothing is said."""
_SHARPEST_AT = 100
"""Number of gains at which the evidence of a mean that is just large enough is the strongest."""
_RHO = float(np.sqrt((2 * np.log(20) + np.log(2 * np.log(20) + 1)) / _SHARPEST_AT))
"""The paper's choice for 95 % and that number (its section B.2)."""
_ROUNDING = 1e-12


def log_mixture(total: Floats, count: Floats, rho: float) -> Floats:
    """Returns the logarithm of Robbins' one-sided normal mixture: of a sum of so many gains of variance 1.

    Args:
        total: the sum, in standard deviations of one gain.
        count: how many gains.
        rho: width of the mixture: the share of a standard deviation that the mean is expected to be above zero.
    """
    spread = count * rho**2 + 1
    lean = rho * total / np.sqrt(spread)
    return np.asarray(np.log(2) - np.log(spread) / 2 + lean**2 / 2 + log_ndtr(lean))


def log_evidence(gains: Floats) -> Floats:
    """Returns the logarithm of the evidence after each gain that their mean is above zero; it grows as wealth does.

    Among few times or prices the long ones are often missing, so that mean and spread are both too small together:
    the skewness of their ratio is removed (Hall 1992) before it counts as evidence.

    Args:
        gains: along the last axis, in the order in which they came.
    """
    count = np.arange(1.0, gains.shape[-1] + 1)
    mean, square, cube = (np.cumsum(gains**power, axis=-1) / count for power in (1, 2, 3))
    variance = square - mean**2
    # Gains that are all alike do not tell how large others are; rounding gives them a little variance, or less.
    alike = variance <= _ROUNDING * gains**2
    variance = np.where(alike, 1.0, variance)
    skew = (cube - 3 * mean * square + 2 * mean**3) / variance**1.5 / np.sqrt(count)
    student = np.sqrt(count) * mean / np.sqrt(variance)
    even = student + skew * student**2 / 3 + skew**2 * student**3 / 27 + skew / 6
    evidence = np.where(alike, 0.0, log_mixture(np.sqrt(count) * even, count, _RHO))
    return np.where(count < LEAST, 0.0, evidence)
