"""What rows say of a mean when they are looked at again and again: evidence on a bound, and an interval.

Rows come in random order, whole clusters at a time, and each cluster is one bet: on the sum of its rows. So the mean in
question is that of rows, as everywhere, and rows of one conversation still count as one observation.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.statistics.asymptotic import log_evidence
from tasks.statistics.betting import log_wealth
from tasks.statistics.intervals import Interval

if TYPE_CHECKING:
    from tasks.statistics.measured import Measured

Floats = NDArray[np.float64]

_HALVINGS = 40
_NEAR, _FAR = 1e-12, 1e12
_ROUNDING = 1e-9
"""Share of the way from the mean to the end of its range, below which an interval reaches that end."""
_GUESSES = (0.1, 0.02)
"""How far a mean is from what it is not, as shares of its range, where no rule says what is of interest."""


class Design(NamedTuple):
    """What is known of the rows before any of them is asked.

    Attributes:
        rows: how many there are.
        clusters: how many clusters there are.
        largest: rows of the largest of them.
        whole: True where the mean over exactly these rows is in question, so that they are drawn without replacement;
            False where it is that of the population that they stand for.
    """

    rows: int
    clusters: int
    largest: int
    whole: bool = False

    def of_values(self, rows: int) -> "Design":
        """Returns the design of values that are made of so many rows each, all of one cluster."""
        return self._replace(rows=self.rows // rows, largest=self.largest // rows)


def design_of(clusters: Iterable[str], *, whole: bool = False) -> Design:
    """Returns the design of rows by what each is about."""
    sizes = Counter(clusters)
    return Design(sizes.total(), len(sizes), max(sizes.values(), default=1), whole)


class Drawn(NamedTuple):
    """Clusters in the order in which they were drawn.

    Attributes:
        totals: sum of each cluster's values.
        sizes: how many they are.
        low: lowest value that there can be, -inf where there is none.
        high: highest value that there can be, inf where there is none.
        beyond: how far outside of both the mean of each cluster's values may lie, though that of all cannot.
    """

    totals: Floats
    sizes: Floats
    low: float
    high: float
    beyond: Floats | float = 0.0

    @property
    def mean(self) -> float:
        """Mean over the rows."""
        return float(self.totals.sum() / self.sizes.sum())

    @property
    def mirrored(self) -> "Drawn":
        """The same values with the opposite sign."""
        return Drawn(-self.totals, self.sizes, -self.high, -self.low, self.beyond)


def drawn(values: Floats, clusters: NDArray[np.generic], low: float, high: float) -> Drawn:
    """Adds values up by cluster, the clusters in the order of their first rows; NaN is no row, but its cluster is one.

    Args:
        values: of the rows in the order in which they were drawn.
        clusters: what each row is about.
        low: lowest value that there can be.
        high: highest value that there can be.
    """
    _, first, codes = np.unique(clusters, return_index=True, return_inverse=True)
    place = np.empty_like(first)
    place[np.argsort(first, kind="stable")] = np.arange(first.size)
    order, known = place[codes], ~np.isnan(values)
    totals: Floats = np.bincount(order, weights=np.where(known, values, 0.0)).astype(np.float64)
    sizes: Floats = np.bincount(order, weights=known).astype(np.float64)
    return Drawn(totals, sizes, low, high)


def evidence_above(
    rows: Drawn, bound: float, design: Design, hoped: Sequence[float], *, strict: bool = False
) -> Floats:
    """Returns the logarithm of the evidence, after each cluster, that the mean is at least a bound.

    Where it is not, the evidence ever reaches log(1/α) with probability α at most: exactly so where there is a lowest
    value, nearly so where there is none.

    Args:
        rows: at least one cluster.
        bound: what the mean is compared with.
        design: of the rows.
        hoped: how far above the bound one hopes the mean to be: several guesses share the wealth, and the evidence
            is sharp where one of them is about right.
        strict: whether it is to be above the bound. At the lowest value there can be, one row that is higher shows it.
    """
    if bound < rows.low or (bound == rows.low and not strict):
        return np.full(rows.totals.size, np.inf)
    if bound == rows.low:
        return np.where(np.cumsum(rows.totals - bound * rows.sizes) > 0, np.inf, 0.0)
    if bound > rows.high:
        # No row can speak for it, as where a model that costs nothing is asked whether it costs more than a bound.
        return np.zeros(rows.totals.size)
    largest = max(design.largest, float(rows.sizes.max()))
    gains = (rows.totals - bound * rows.sizes) / largest
    if np.isneginf(rows.low):
        return log_evidence(gains)
    unit = rows.high - rows.low if np.isfinite(rows.high) else bound - rows.low
    floor, rows_a_bet = (rows.low - bound) / unit, design.rows / design.clusters / largest
    of = design.clusters if design.whole else None
    below = rows.beyond / unit
    wealth = [log_wealth(gains / unit, floor, each / unit * rows_a_bet, of, below) for each in hoped]
    return np.asarray(np.logaddexp.reduce(wealth, axis=0) - np.log(len(wealth)))


def evidence_below(
    rows: Drawn, bound: float, design: Design, hoped: Sequence[float], *, strict: bool = False
) -> Floats:
    """Returns the logarithm of the evidence, after each cluster, that the mean is at most a bound."""
    return evidence_above(rows.mirrored, -bound, design, hoped, strict=strict)


def lowest(rows: Drawn, design: Design, hoped: Sequence[float], error: float) -> float:
    """Returns the lower end of the means that the rows leave possible, at any time with probability 1 - error.

    Args:
        rows: at least one cluster.
        design: of the rows.
        hoped: as in `evidence_above`.
        error: how often the mean may be below it, such as 0.05.
    """
    if design.whole and rows.totals.size == design.clusters:
        return rows.mean
    return lowest_possible(lambda bound: evidence_above(rows, bound, design, hoped), rows.mean, rows.low, error)


def highest(rows: Drawn, design: Design, hoped: Sequence[float], error: float) -> float:
    """Returns the upper end of the means that the rows leave possible; see `lowest`."""
    return 0.0 - lowest(rows.mirrored, design, hoped, error)


def anytime_interval(measured: "Measured", confidence: float, design: Design) -> Interval:
    """Returns the two-sided interval of the mean of rows that were asked until something was settled.

    Args:
        measured: rows in the order in which they were drawn, at least one of them with a value.
        confidence: level, such as 0.95; of the whole interval.
        design: of all the rows that could have been asked.
    """
    scored = measured.scored
    rows = drawn(scored.values, scored.clusters, scored.low, scored.high)
    reach = scored.high - scored.low
    guesses = tuple(share * (reach if np.isfinite(reach) else max(abs(rows.mean), 1e-9)) for share in _GUESSES)
    error, mean = (1 - confidence) / 2, rows.mean
    low, high = lowest(rows, design, guesses, error), highest(rows, design, guesses, error)
    method = "betting" if np.isfinite(scored.low) and np.isfinite(scored.high) else "asymptotic"
    note = f", {rows.totals.size} clusters" if rows.totals.size < scored.n else ""
    return Interval(mean, min(low, mean), max(high, mean), method + note)


def lowest_possible(evidence: Callable[[float], Floats], value: float, low: float, error: float) -> float:
    """Returns the lowest bound that the evidence does not refute.

    Args:
        evidence: gives the logarithm of the evidence that the truth is at least a bound; the less, the higher it is.
        value: what the rows say; not refuted.
        low: lowest value there can be, -inf where there is none.
        error: how often the truth may be below what is returned.
    """

    def possible(bound: float) -> bool:
        return bool(evidence(bound).max() < -np.log(error))

    # From near by: of values without bounds that are far smaller than the step, nothing more would be seen.
    step, above = max(abs(value), _NEAR), value
    below = max(low, value - step)
    while possible(below) and below > low:
        step *= 2
        if step > _FAR:
            return low
        below = max(low, value - step)
    if possible(below):
        return low
    for _ in range(_HALVINGS):
        middle = (below + above) / 2
        below, above = (below, middle) if possible(middle) else (middle, above)
    return low if below - low < _ROUNDING * abs(value - low) else below
