"""The interval of a quantile: between two of the values in order, chosen by how many are expected below it."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr, ndtri

from tasks.statistics.intervals import effective_rows

Floats = NDArray[np.float64]


class QuantileInterval(NamedTuple):
    """A quantile and its interval; `low` and `high` are None where there are too few values for one."""

    value: float
    low: float | None
    high: float | None
    method: str


def quantile_interval(
    values: Floats, clusters: NDArray[np.generic], quantile: float, confidence: float
) -> QuantileInterval:
    """Returns the two-sided interval of a quantile, of which nothing is assumed but that it is one.

    Of n independent values the number below the quantile is binomial, so that two of them in order enclose it with a
    known probability (David and Nagaraja, *Order Statistics*, 2003, section 7.1): the pair is taken that encloses it
    with the least probability that is still the level. Of values in clusters the share below it is uncertain as in
    fewer independent ones (Woodruff 1952), by the design effect of that share.

    Args:
        values: at least one.
        clusters: what each value's row is about.
        quantile: between 0 and 1.
        confidence: level, such as 0.95.
    """
    ordered, n = np.sort(values), values.size
    value = float(np.quantile(ordered, quantile, method="inverted_cdf"))
    count = np.unique(clusters).size
    if count < n:
        return _of_clusters(ordered, values, clusters, value, quantile, confidence)
    # ranks[k]: probability that exactly k values lie below the quantile.
    below = bdtr(np.arange(n + 1, dtype=np.float64), n, quantile)
    # The pair (l, u), ranks from 1, encloses it with probability P(l ≤ values below < u).
    best: tuple[float, int, int] | None = None
    for low in range(1, n + 1):
        missed = float(below[low - 1])
        if missed > 1 - confidence:
            break
        high = int(np.searchsorted(below, confidence + missed)) + 1
        if high <= n:
            best = min(best or (2.0, 0, 0), (float(below[high - 1]) - missed, low, high))
    if best is None:
        return QuantileInterval(value, None, None, f"order statistics, {n} rows are too few")
    return QuantileInterval(value, float(ordered[best[1] - 1]), float(ordered[best[2] - 1]), "order statistics")


def _of_clusters(
    ordered: Floats,
    values: Floats,
    clusters: NDArray[np.generic],
    value: float,
    quantile: float,
    confidence: float,
) -> QuantileInterval:
    n, count = values.size, int(np.unique(clusters).size)
    rows = effective_rows((values <= value).astype(np.float64), clusters)
    reach = float(ndtri((1 + confidence) / 2)) * np.sqrt(quantile * (1 - quantile) / rows)
    low, high = int(np.floor((quantile - reach) * n)), int(np.ceil((quantile + reach) * n)) + 1
    if low < 1 or high > n:
        return QuantileInterval(value, None, None, f"order statistics, {count} clusters are too few")
    return QuantileInterval(
        value, float(ordered[low - 1]), float(ordered[high - 1]), f"order statistics, {count} clusters"
    )
