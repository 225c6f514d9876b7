"""Confidence intervals of a mean, and of a mean paired difference, over rows that may come in clusters."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, chdtri, ndtr, ndtri, stdtrit

Floats = NDArray[np.float64]
Labels = NDArray[np.generic]


_NO_SKEW = 1e-6
_LEAST_FREEDOM = 0.1
_ASSUMED = 5
"""Values that count for what caution assumes of clusters before any tells: that all rows of one agree."""


class Interval(NamedTuple):
    """A mean, its interval, and how that was made."""

    value: float
    low: float
    high: float
    method: str


class _Spread(NamedTuple):
    """How far a mean can be trusted.

    `error` is its standard error, 0 where the values do not tell one; `rows` the number of independent rows that the
    values are worth; `score` and `student` the quantiles for Wilson's and for the t interval.
    """

    error: float
    rows: float
    score: float
    student: float
    note: str

    def wider(self, confidence: float) -> float:
        """Returns the level of an interval of independent rows that Student's quantile stands for."""
        return float(2 * ndtr(self.score) - 1) if self.note else confidence


def mean_interval(
    values: Floats, clusters: Labels, confidence: float, low: float, high: float | None, *, exact: bool = False
) -> Interval:
    """Returns the two-sided interval of the mean of values between `low` and `high` (None: no upper end).

    - 0/1 values: Wilson's score interval (1927). With clusters, n is divided by the design effect and the quantile is
      Student's, as Korn and Graubard (1998) do with the Clopper-Pearson interval.
    - Other values: Student's t with the clustered standard error, cut to the range. Of values without an upper end,
      such as times, a few are much larger than the others: there the t statistic's skewness is removed (Hall 1992, "On
      the removal of skewness by transformation"), which moves the interval up.
    - Values that are all alike, or all of one cluster, do not tell how they spread; a t interval would claim
      certainty. Bounded ones take Wilson's interval of their mean (0/1 values spread the most of all with that mean),
      unbounded ones the exact interval of an exponential variable's mean (times and prices spread about as much as
      their size); where all are the lowest there can be, nothing is known of how large others are.

    Args:
        values: at least one, none of them NaN.
        clusters: what each value's row is about, in the values' order. One cluster counts as one row.
        confidence: level, such as 0.95.
        low: lowest value there can be.
        high: highest value there can be.
        exact: of 0/1 values, Clopper and Pearson's interval (1934) instead of Wilson's: each of its ends is wrong no
            more often than it says, where Wilson's are right on the average of both.
    """
    mean = float(values.mean())
    if high == low:
        return Interval(mean, mean, mean, "known")
    spread = _spread(values, clusters, confidence, cautious=exact)
    if high is None and spread.error == 0:
        return Interval(mean, *_alike(mean, low, spread.rows, confidence), "exponential" + spread.note)
    if high is not None and (spread.error == 0 or np.all((values == low) | (values == high))):
        width, share = high - low, (mean - low) / (high - low)
        if exact:
            below, above = clopper_pearson(share, spread.rows, spread.wider(confidence))
        else:
            below, above = wilson(share, spread.rows, spread.score)
        method = "clopper-pearson" if exact else "wilson"
        return Interval(mean, low + below * width, low + above * width, method + spread.note)
    if high is None:
        below, above = _unskewed(values, clusters, spread)
        return Interval(mean, max(mean - below, low), mean + above, "t, skewness removed" + spread.note)
    reach = spread.student * spread.error
    return Interval(mean, max(mean - reach, low), min(mean + reach, high), "t" + spread.note)


def difference_interval(
    differences: Floats, clusters: Labels, confidence: float, reach: float | None, *, exact: bool = False
) -> Interval:
    """Returns the two-sided interval of the mean of paired differences.

    - Student's t with the clustered standard error, cut to the range.
    - Differences of 0/1 values, where one discordant pair in hundreds is common, and bounded ones that are all alike:
      Wilson's intervals of the mean gain and of the mean loss, put together by the square-and-add method (Newcombe
      1998; Zou and Donner 2008) with the correlation of two exclusive outcomes.
    - Unbounded differences that are all alike, or all of one cluster: nothing is known of the others.

    Args:
        differences: one a row, at least one.
        clusters: what each row is about. One cluster counts as one row.
        confidence: level, such as 0.95.
        reach: largest difference there can be; None where there is no largest.
        exact: Clopper and Pearson's intervals instead of Wilson's; see `mean_interval`.
    """
    mean = float(differences.mean())
    if reach == 0:
        return Interval(mean, mean, mean, "known")
    spread = _spread(differences, clusters, confidence, cautious=exact)
    if reach is None and spread.error == 0:
        return Interval(mean, -np.inf, np.inf, "paired, all alike" + spread.note)
    sizes = np.abs(differences)
    if reach is not None and (spread.error == 0 or np.all((sizes == 0) | (sizes == reach))):
        gain = float(np.maximum(differences, 0).mean()) / reach
        loss = float(np.maximum(-differences, 0).mean()) / reach
        level = spread.wider(confidence)
        ends: _Ends = (
            (lambda share, n: clopper_pearson(share, n, level))
            if exact
            else (lambda share, n: wilson(share, n, spread.score))
        )
        low, high = _square_and_add(gain, loss, spread.rows, ends)
        method = "paired clopper-pearson" if exact else "paired wilson"
        return Interval(mean, low * reach, high * reach, method + spread.note)
    width = spread.student * spread.error
    bound = np.inf if reach is None else reach
    return Interval(mean, max(mean - width, -bound), min(mean + width, bound), "paired t" + spread.note)


def ratio_interval(above: Floats, below: Floats, clusters: Labels, confidence: float) -> Interval:
    """Returns the two-sided interval of the ratio of two means, such as the price of a correct answer.

    It holds the ratios r for which the mean of above − r·below may be zero, by Student's t with the clustered standard
    error (Fieller 1954). Where the mean below may itself be zero, the ratio has no upper end.

    Args:
        above: numerator of each row.
        below: denominator of each row, none of them negative, in the same order; not all zero.
        clusters: what each row is about.
        confidence: level, such as 0.95.
    """
    ratio = float(above.mean() / below.mean())
    codes = np.unique(clusters, return_inverse=True)[1]
    count, n = int(codes.max()) + 1, above.size
    if count == 1:
        return Interval(ratio, 0.0, np.inf, "fieller, 1 cluster")
    student = float(stdtrit(count - 1, (1 + confidence) / 2))
    sums = np.stack([np.bincount(codes, weights=part - part.mean()) for part in (above, below)])
    variances = count / (count - 1) * (sums @ sums.T) / n**2 * student**2
    square = below.mean() ** 2 - variances[1, 1]
    middle = above.mean() * below.mean() - variances[0, 1]
    rest = above.mean() ** 2 - variances[0, 0]
    note = f", {count} clusters" if count < n else ""
    root = np.sqrt(max(middle**2 - square * rest, 0.0))
    if square <= 0:
        return Interval(
            ratio, max(0.0, float(rest / (middle + root))) if middle + root > 0 else 0.0, np.inf, "fieller" + note
        )
    low, high = float((middle - root) / square), float((middle + root) / square)
    return Interval(ratio, max(low, 0.0), high, "fieller" + note)


def effective_rows(values: Floats, clusters: Labels) -> float:
    """Returns how many independent rows values in clusters are worth, for their mean; at most as many as there are."""
    spread = _spread(values, clusters, 0.95)
    return spread.rows


def wilson(share: float, n: float, quantile: float) -> tuple[float, float]:
    """Returns Wilson's score interval of a share of n rows: low and high, both in [0, 1]."""
    square = quantile**2
    centre = (share + square / (2 * n)) / (1 + square / n)
    reach = quantile / (1 + square / n) * np.sqrt(share * (1 - share) / n + square / (4 * n**2))
    # At the ends the interval reaches the share itself; rounding must not push it past.
    return float(np.clip(centre - reach, 0.0, share)), float(np.clip(centre + reach, share, 1.0))


def clopper_pearson(share: float, n: float, confidence: float) -> tuple[float, float]:
    """Returns Clopper and Pearson's interval of a share of n rows; n may be a fraction (Korn and Graubard 1998)."""
    tail, hits = (1 - confidence) / 2, share * n
    low = float(betaincinv(hits, n - hits + 1, tail)) if hits > 0 else 0.0
    high = float(betaincinv(hits + 1, n - hits, 1 - tail)) if hits < n else 1.0
    return min(low, share), max(high, share)


_Ends = Callable[[float, float], tuple[float, float]]
"""Gives the interval of a share of so many rows."""


def _square_and_add(gain: float, loss: float, n: float, ends: _Ends) -> tuple[float, float]:
    gain_low, gain_high = ends(gain, n)
    loss_low, loss_high = ends(loss, n)
    rest = (1 - gain) * (1 - loss)
    correlation = -np.sqrt(gain * loss / rest) if rest > 0 else 0.0

    def reach(first: float, second: float) -> float:
        return float(np.sqrt(first**2 + second**2 - 2 * correlation * first * second))

    low = gain - loss - reach(gain - gain_low, loss_high - loss)
    high = gain - loss + reach(gain_high - gain, loss - loss_low)
    return max(low, -1.0), min(high, 1.0)


def _spread(values: Floats, clusters: Labels, confidence: float, *, cautious: bool = False) -> _Spread:
    """Measures the spread of a mean, clustered (Miller 2024, arXiv:2411.00640, section 2.2).

    SE² = (C−1)/C · Σ_c (Σ_{i∈c} (x_i − x̄) / (1 − n_c/n))² / n², the jackknife over clusters (CR3; MacKinnon, Nielsen
    and Webb 2023): a large cluster pulls the mean towards itself, and would hide how far off it is. With one row a
    cluster this is about s²/n. Clusters of very different sizes tell as little as few: (Σ n_c)² / Σ n_c² of them count
    for Student's degrees of freedom. Rows of few clusters can cancel by chance and make the error too small, so that
    the error of independent rows is its floor here.
    """
    codes = np.unique(clusters, return_inverse=True)[1]
    count, n = int(codes.max()) + 1, values.size
    normal = float(ndtri((1 + confidence) / 2))
    if count == 1:
        return _Spread(0.0, 1.0, normal, normal, ", 1 cluster" if n > 1 else "")
    sizes = np.bincount(codes)
    freedom = n**2 / float(sizes @ sizes) - 1
    student = float(stdtrit(max(freedom, _LEAST_FREEDOM), (1 + confidence) / 2))
    score, note = (student, f", {count} clusters") if count < n else (normal, "")
    # Not the variance: rounding would give values that are all alike one of 1e-34.
    if np.ptp(values) == 0:
        return _Spread(0.0, freedom + 1, score, student, note)
    residuals = values - values.mean()
    independent = float(residuals @ residuals) / (n * (n - 1))
    if count == n:
        return _Spread(float(np.sqrt(independent)), float(n), score, student, note)
    sums = np.bincount(codes, weights=residuals) / (1 - sizes / n)
    effect = max((count - 1) / count * float(sums @ sums) / n**2 / independent, 1.0)
    # A few values that differ from the others do not tell whether those of a cluster agree: caution takes that they do.
    telling = n - int(np.unique(values, return_counts=True)[1].max())
    assumed = _ASSUMED / (_ASSUMED + telling) if cautious else 0.0
    effect = max(effect, assumed * n / (freedom + 1) + (1 - assumed) * effect)
    return _Spread(float(np.sqrt(independent * effect)), n / effect, score, student, note)


def _unskewed(values: Floats, clusters: Labels, spread: _Spread) -> tuple[float, float]:
    """Returns how far the interval reaches below and above the mean: Hall's transformation of the t statistic.

    g(t) = t + a·t²/3 + a²·t³/27 + a/6 with a = skewness / √n is a cube, so that it is undone exactly.
    """
    sums = np.bincount(np.unique(clusters, return_inverse=True)[1], weights=values - values.mean())
    skew = float(np.mean((sums - sums.mean()) ** 3) / np.var(sums) ** 1.5) / np.sqrt(sums.size)
    if abs(skew) < _NO_SKEW:
        return spread.student * spread.error, spread.student * spread.error

    def undone(quantile: float) -> float:
        return float((np.cbrt(1 + skew * (quantile - skew / 6)) - 1) * 3 / skew)

    return undone(spread.student) * spread.error, -undone(-spread.student) * spread.error


def _alike(mean: float, low: float, n: float, confidence: float) -> tuple[float, float]:
    """Returns the interval of values that are all alike and know no largest."""
    if mean == low:
        return low, np.inf
    below, above = _exponential(mean - low, n, confidence) if np.isfinite(low) else (-np.inf, np.inf)
    return (low + below, low + above) if np.isfinite(low) else (below, above)


def _exponential(mean: float, n: float, confidence: float) -> tuple[float, float]:
    """Returns 2·n·mean over the quantiles of χ² with 2n degrees of freedom."""
    tail = (1 - confidence) / 2
    return 2 * n * mean / float(chdtri(2 * n, tail)), 2 * n * mean / float(chdtri(2 * n, 1 - tail))
