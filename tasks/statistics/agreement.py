"""How well a rater agrees with people, beyond what chance and the most common label would give."""

import numpy as np
from numpy.typing import NDArray

from configs.schema.base import Frozen
from tasks.statistics.intervals import Floats, Labels

_RESAMPLES = 2000


class Agreement(Frozen):
    """Agreement of a judge with people on the same answers.

    `kappa` is Cohen's, quadratic-weighted: 1 is full agreement, 0 what chance gives, so also what a constant gives. On
    a scale of two values the weights change nothing. `low` and `high` are its bootstrap interval, over clusters.

    `alike` is the share of answers with the same score. A constant that always says `common`, the label that people
    gave most, reaches `base_rate` of that: a share of 0.9 says nothing where the base rate is 0.9. `error` is the root
    of the mean squared difference from the label; `constant_error` that of the labels' mean. `lenient` is the mean of
    score − label. `confusion` has a line a label and a column a score, both over `scale`.
    """

    n: int
    kappa: float
    low: float
    high: float
    confidence: float
    alike: float
    base_rate: float
    common: int
    error: float
    constant_error: float
    lenient: float
    scale: tuple[int, ...]
    confusion: tuple[tuple[int, ...], ...]


def agreement(
    scores: NDArray[np.int64],
    labels: NDArray[np.int64],
    clusters: Labels,
    scale: tuple[int, int],
    confidence: float = 0.95,
) -> Agreement:
    """Measures the agreement of whole-numbered scores with people's labels.

    Kappa as in Cohen (1968), "Weighted kappa", with squared weights; where neither scores nor labels vary there is no
    agreement beyond chance to be seen, and kappa counts as 0. The interval is the percentile bootstrap's (Efron 1979),
    whole clusters drawn together, from a fixed seed.

    Args:
        scores: the judge's, at least one.
        labels: people's, in the same order.
        clusters: what each answer's row is about, in the same order.
        scale: lowest and highest value there can be.
        confidence: level of the interval.
    """
    categories = np.arange(scale[0], scale[1] + 1)
    confusion = np.zeros((categories.size, categories.size), dtype=np.int64)
    np.add.at(confusion, (labels - scale[0], scores - scale[0]), 1)
    common = int(confusion.sum(axis=1).argmax())
    differences = (scores - labels).astype(np.float64)
    moments = _moments(scores, labels, clusters)
    low, high = _interval(moments, confidence)
    return Agreement(
        n=scores.size,
        kappa=float(_kappa(moments.sum(axis=0))),
        low=low,
        high=high,
        confidence=confidence,
        alike=float(np.mean(differences == 0)),
        base_rate=float(confusion.sum(axis=1)[common] / scores.size),
        common=int(categories[common]),
        error=float(np.sqrt(np.mean(differences**2))),
        constant_error=float(labels.std()),
        lenient=float(differences.mean()),
        scale=tuple(int(value) for value in categories),
        confusion=tuple(tuple(int(count) for count in line) for line in confusion),
    )


def _moments(scores: NDArray[np.int64], labels: NDArray[np.int64], clusters: Labels) -> Floats:
    """Returns a line a cluster: its number of rows, and its sums of all that kappa is made of."""
    codes = np.unique(clusters, return_inverse=True)[1]
    # Around a value of the middle: sums of squares of large scores would lose digits.
    middle = np.round(labels.mean())
    score, label = scores - middle, labels - middle
    parts = (np.ones_like(score), score, label, score**2, label**2, (score - label) ** 2)
    return np.column_stack([np.bincount(codes, weights=part) for part in parts])


def _kappa(sums: Floats) -> Floats:
    """Returns the quadratic-weighted kappa of sums, one a line.

    1 − observed over expected disagreement; by chance two values differ by var + var + (difference of means)² on the
    average of their squares.
    """
    n, score, label, score_squared, label_squared, apart = np.moveaxis(sums, -1, 0)
    observed = apart / n
    expected = (score_squared + label_squared) / n - 2 * (score / n) * (label / n)
    varies = expected > 1e-12
    return np.where(varies, 1 - observed / np.where(varies, expected, 1.0), 0.0)


def _interval(moments: Floats, confidence: float) -> tuple[float, float]:
    count = len(moments)
    draws = np.random.default_rng(0).multinomial(count, np.full(count, 1 / count), size=_RESAMPLES)
    tail = (1 - confidence) / 2
    low, high = np.quantile(_kappa(draws @ moments), [tail, 1 - tail])
    return float(low), float(high)
