"""Prediction-powered means: a judge on all rows and people on some of them give one interval that can be trusted.

Angelopoulos, Duchi and Zrnic (2023), "PPI++: Efficient Prediction-Powered Inference", arXiv:2311.01453, example 6.1.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import stdtrit

from tasks.statistics.intervals import Floats, Labels


class PredictionPowered(NamedTuple):
    """A mean, and how it was made.

    `weight` is how much the judge counts: 0 leaves people's labels alone, 1 trusts the judge's differences fully.
    `error` is the standard error; `gain` how many times as many labels people alone would have needed for it.
    """

    value: float
    low: float
    high: float
    weight: float
    error: float
    gain: float


def prediction_powered_mean(
    human: Floats,
    judged: Floats,
    judged_only: Floats,
    confidence: float = 0.95,
    clusters: tuple[Labels, Labels] | None = None,
) -> PredictionPowered:
    """Estimates what people's mean over all rows would be.

    The mean of λ·judge on the rows without a label, plus the mean of (human − λ·judge) on those with one: whatever the
    judge gets wrong is taken out by the labels, so that the estimate is right with any judge, and close with a good
    one. λ is the paper's power tuning, cut to [0, 1]. To be right the labelled rows must be a random part of all.

    The standard error is the paper's asymptotic one; with clusters, the rows of one, labelled or not, count together
    (never less than as independent rows). With it and the normal quantile, as in the paper, intervals of 20 labels hold
    the truth in 92 % instead of 95: people give few labels, so that of m labels, or clusters with labels, two
    degrees of freedom count as used up (mean and λ): Student's quantile with m − 2, the error times √(m/(m − 2)).

    Args:
        human: people's labels, at least three.
        judged: the judge's scores of the same answers, in the same order.
        judged_only: its scores of the answers without a label, at least one.
        confidence: level, such as 0.95.
        clusters: what each row with a label, and each without one, is about.

    Raises:
        ValueError: there are too few labels, or clusters with labels, or the lengths do not fit.
    """
    n, rest = human.size, judged_only.size
    count = n if clusters is None else len(np.unique(clusters[0]))
    if count < 3 or rest < 1 or judged.size != n:
        raise ValueError(f"{count} independent labels, {judged.size} scores, {rest} others; at least 3, as many, and 1")
    weight = _weight(human, judged, judged_only)
    corrected = human - weight * judged
    value = float(weight * judged_only.mean() + corrected.mean())
    squared = float(corrected.var() / n + weight**2 * judged_only.var() / rest)
    alone = float(human.var() / n)
    if clusters is not None:
        shares = np.concatenate(
            [(corrected - corrected.mean()) / n, weight * (judged_only - judged_only.mean()) / rest]
        )
        squared = max(squared, _clustered(shares, np.concatenate(clusters)))
        alone = max(alone, _clustered((human - human.mean()) / n, clusters[0]))
    error = float(np.sqrt(squared))
    reach = float(stdtrit(count - 2, (1 + confidence) / 2) * np.sqrt(count / (count - 2))) * error
    return PredictionPowered(value, value - reach, value + reach, weight, error, alone / squared if squared else 1.0)


def _weight(human: Floats, judged: Floats, judged_only: Floats) -> float:
    """Returns the λ that makes the variance least: cov(human, judge) / ((1 + n/N) · var(judge)), cut to [0, 1]."""
    spread = float(np.concatenate([judged, judged_only]).var(ddof=1))
    if spread <= 0:
        return 0.0
    together = float(np.mean((human - human.mean()) * (judged - judged.mean())))
    return float(np.clip(together / ((1 + human.size / judged_only.size) * spread), 0.0, 1.0))


def _clustered(shares: Floats, clusters: Labels) -> float:
    """Returns the variance of a sum of centred shares, those of one cluster added up first."""
    codes = np.unique(clusters, return_inverse=True)[1]
    count = int(codes.max()) + 1
    sums = np.bincount(codes, weights=shares)
    return count / (count - 1) * float(sums @ sums) if count > 1 else 0.0
