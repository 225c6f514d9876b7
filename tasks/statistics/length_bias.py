"""Does a rater like long answers better than people do?"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from tasks.statistics.estimate import Estimate
from tasks.statistics.intervals import Floats, Labels

_LEAST = 5
"""Clusters below which a slope of three numbers has no interval worth showing."""


def length_bias(
    scores: Floats, labels: Floats, lengths: NDArray[np.int64], clusters: Labels, confidence: float = 0.95
) -> Estimate | None:
    """Estimates how many points a rater adds for each doubling of an answer's length, at the same human label.

    The coefficient of log2(length) in a linear regression of the score on label and log2(length), with the standard
    error that rows of one cluster share (Liang and Zeger 1986) and Student's quantile. A rater that follows the labels
    has 0, also where people themselves prefer long answers.

    Args:
        scores: the rater's, one an answer.
        labels: people's.
        lengths: of the answers, in characters.
        clusters: what each answer's row is about.
        confidence: level of the interval.

    Returns:
        The estimate, in points of the scale; None where there are too few clusters, or the lengths do not vary beyond
        what the labels explain.
    """
    codes = np.unique(clusters, return_inverse=True)[1]
    count = int(codes.max()) + 1 if codes.size else 0
    if count < _LEAST:
        return None
    known = np.column_stack([np.ones(labels.size), labels])
    doublings = np.log2(np.maximum(lengths, 1).astype(np.float64))
    length, score = _without(doublings, known), _without(scores.astype(np.float64), known)
    square = float(length @ length)
    if square < 1e-9 * max(1.0, float(doublings @ doublings)):
        return None
    slope = float(length @ score) / square
    sums = np.bincount(codes, weights=length * (score - slope * length))
    error = float(np.sqrt(count / (count - 1) * (sums @ sums))) / square
    reach = float(stdtrit(count - 3, (1 + confidence) / 2)) * error
    return Estimate(
        metric="length bias",
        value=slope,
        low=slope - reach,
        high=slope + reach,
        n=scores.size,
        coverage=1.0,
        confidence=confidence,
        method="points a doubling, at the same label",
    )


def _without(values: Floats, known: Floats) -> Floats:
    """Returns what a least-squares fit on other columns leaves of values."""
    return values - known @ np.linalg.lstsq(known, values, rcond=None)[0]
