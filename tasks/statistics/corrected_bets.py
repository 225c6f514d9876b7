"""Bets on what people would say on average of all rows: a judge has scored them, people some of them.

A prediction-powered mean has an interval by Student's t, which misses a catastrophe that is rare. Bets do not: see
`tasks.statistics.betting`. What is bet on are the parts of that mean, as in Csillag, Struchiner and Goedert (2025),
"Prediction-Powered E-Values", arXiv:2502.04294.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.statistics.anytime import Design, Drawn, highest, lowest
from tasks.statistics.measured import Floats, Measured

_CAUTION = 1 / 8
"""Added to the judge's sum of squares, as a share of its range squared: of a few labels its weight is small."""


class Bounds(NamedTuple):
    """The ends of the means that are possible, each wrong with the probability that was asked for at most."""

    low: float
    high: float


def corrected_bounds(
    judged: Measured, people: Floats, error: float, hoped: tuple[float, ...], feared: tuple[float, ...]
) -> Bounds:
    """Returns bounds of people's mean over all rows that a judge has scored, whatever the distribution of either.

    Each cluster with labels is one bet: on the sum of human − λ·judge over its labelled rows, and as often λ times the
    judge's mean over rows without a label, which no other bet has: those of the cluster itself, and of a share of the
    clusters without labels. Whatever λ is, the mean of that is people's, so that nothing has to be known of the judge.
    λ is the power tuning of `prediction_powered_mean` by the labels of the bets before, at first 0: no label takes part
    in its own. Where a bet has no row without a label, it is 0 as well.

    The bounds are exact for rows that are independent, or in clusters of one size; of clusters whose size says
    something about their rows, the judge's mean over a few is off by as little as ratios of means are.

    Args:
        judged: the judge's scores in the order in which the rows were drawn; with the ends of their range, both finite.
        people: labels of the same rows, within that range, NaN where there is none; of rows with a score at least one.
        error: how often each end may be wrong.
        hoped: guesses of how far above its lower end the mean is; see `evidence_above`.
        feared: guesses of how far it is below its upper end.
    """
    rows, labels = judged.scored, people[~np.isnan(judged.values)]
    bets = _bets(rows, labels)
    clusters, labelled = bets.totals.size, int(bets.sizes.sum())
    design = Design(labelled, clusters, int(bets.sizes.max()))
    ends = lowest(bets, design, hoped, error), highest(bets, design, feared, error)
    return Bounds(*(float(np.clip(end, rows.low, rows.high)) for end in ends))


def _bets(rows: Measured, labels: Floats) -> Drawn:
    has = ~np.isnan(labels)
    of = _dealt(rows.clusters, has)
    human, judged, rest = labels[has], rows.values[has], rows.values[~has]
    count = int(of.max()) + 1

    def added(values: Floats) -> Floats:
        return np.bincount(of[has], values, count).astype(np.float64)

    sizes, others = np.bincount(of[has], minlength=count).astype(np.float64), np.bincount(of[~has], minlength=count)
    said, scored = added(human), added(judged)
    sums = (sizes, said, scored, added(judged * human), added(judged**2))
    n, y, f, fy, ff = (np.cumsum(each) - each for each in sums)  # of the bets before
    known, reach = np.maximum(n, 1), rows.high - rows.low
    spread = ff - f**2 / known + _CAUTION * reach**2
    weight = np.clip((fy - f * y / known) / ((1 + human.size / max(rest.size, 1)) * spread), 0, 1) * (others > 0)
    elsewhere = np.bincount(of[~has], rest, count) / np.maximum(others, 1)
    return Drawn(said + weight * (sizes * elsewhere - scored), sizes, rows.low, rows.high, weight * reach)


def _dealt(clusters: NDArray[np.uint64], has: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Returns each row's bet: those with labels one a cluster in the order of their rows, the other clusters dealt."""
    _, first, codes = np.unique(clusters, return_index=True, return_inverse=True)
    labelled = np.bincount(codes, has) > 0
    order = np.lexsort((first, ~labelled))
    place = np.empty_like(order)
    place[order] = np.arange(order.size)
    return np.asarray(place[codes] % int(labelled.sum()), np.intp)
