"""How many rows it takes to show a difference: looked at once, and looked at as they come."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from tasks.statistics.anytime import Design, Drawn, evidence_above

Floats = NDArray[np.float64]

_CELLS = 1_500_000
_GATES = (60, 400)
"""Gates simulated at least and at most; as many as there are cells for."""
_LONGEST = 20_000
"""Rows beyond which nothing is simulated."""
_SEED = 7


class Spread(NamedTuple):
    """How the paired differences between two candidates are spread, whoever is ahead.

    Attributes:
        sizes: how far they are apart on each row, without a sign; 0 where they are alike.
        reach: how far they can be apart, inf where there is no end.
    """

    sizes: Floats
    reach: float

    def variance(self, mean: float) -> float:
        """Returns the variance of the differences where their mean is `mean`."""
        return float(np.mean(self.sizes**2)) - mean**2

    def reaches(self, mean: float) -> bool:
        """Returns whether differences of these sizes can have such a mean."""
        return abs(mean) < float(self.sizes.mean())

    def draws(self, mean: float, gates: int, rows: int) -> Floats:
        """Returns random differences, a gate a line: sizes as they were found, signs such that `mean` is their mean."""
        random = np.random.default_rng(_SEED)
        ahead = (1 + mean / float(self.sizes.mean())) / 2
        signs = np.where(random.random((gates, rows)) < ahead, 1.0, -1.0)
        return np.asarray(random.choice(self.sizes, (gates, rows)) * signs, np.float64)


def discordant(share: float, reach: float) -> Spread:
    """Returns the spread where a share of the rows, to the percent, differs by all that they can, the others not."""
    differing = round(100 * share)
    return Spread(np.repeat([reach, 0.0], [differing, 100 - differing]), reach)


class Sequential(NamedTuple):
    """Rows that a gate takes which looks after every row.

    Attributes:
        mean: on average.
        nine_in_ten: what nine gates of ten do with.
    """

    mean: int
    nine_in_ten: int


def fixed_rows(variance: float, distance: float, error: float, power: float, at_bound: float | None = None) -> int:
    """Returns how many rows, looked at once, show that a mean is beyond a bound.

    n = (z₁₋ₑ σ₀ + z_power σ)² / distance², with σ₀ the standard deviation where the mean is on the bound.

    Args:
        variance: σ² of the values, or of the paired differences.
        distance: how far the mean is from the bound; above 0.
        error: probability of showing it where the mean is on the bound, such as 0.05.
        power: probability of showing it, such as 0.9.
        at_bound: σ₀², where it is another: that of a rate changes with the rate.
    """
    width = float(ndtri(1 - error)) * np.sqrt(variance if at_bound is None else at_bound)
    width += float(ndtri(power)) * np.sqrt(variance)
    return max(1, int(np.ceil((width / distance) ** 2 - 1e-9)))


def rows_of_difference(
    spread: Spread, mean: float, bound: float, hoped: Sequence[float], error: float, fixed: int
) -> Sequential | None:
    """Returns how many rows a sequential gate takes to show that the mean difference is above a bound.

    Args:
        spread: of the differences, in the direction that is better.
        mean: what it is in truth; above the bound.
        bound: of the rule.
        hoped: as the gate bets; see `evidence_above`.
        error: of the gate.
        fixed: rows that it takes looked at once; None is returned where they are too many to simulate.
    """
    rows = _horizon(fixed)
    if rows > _LONGEST:
        return None
    return _until_shown(spread.draws(mean, _gates(rows), rows), -spread.reach, spread.reach, bound, hoped, error)


def rows_of_mean(
    values: Floats, low: float, high: float, bound: float, hoped: Sequence[float], error: float, fixed: int
) -> Sequential | None:
    """Returns how many rows like these a sequential gate takes to show that their mean is above a bound.

    Args:
        values: what was measured; its mean is above the bound.
        low: lowest value that there can be, -inf where there is none.
        high: highest value that there can be, inf where there is none.
        bound: of the rule.
        hoped: as the gate bets.
        error: of the gate.
        fixed: as in `rows_of_difference`.
    """
    rows = _horizon(fixed)
    if rows > _LONGEST:
        return None
    draws = np.random.default_rng(_SEED).choice(values, (_gates(rows), rows))
    return _until_shown(draws, low, high, bound, hoped, error)


def design_effect(values: Floats, clusters: NDArray[np.generic]) -> float:
    """Returns how many times as many rows it takes because rows of a cluster are alike: at least 1.

    The clustered variance of the mean over that of independent rows (Kish 1965; Miller 2024, arXiv:2411.00640).
    """
    codes = np.unique(clusters, return_inverse=True)[1]
    count, n = int(codes.max(initial=-1)) + 1, values.size
    residuals = values - values.mean() if n else values
    independent = float(residuals @ residuals) / max(1, n - 1)
    if count in (1, n) or independent == 0:
        return 1.0
    sums = np.bincount(codes, weights=residuals)
    return max(1.0, count / (count - 1) * float(sums @ sums) / n / independent)


def _horizon(fixed: int) -> int:
    """Returns within how many rows nearly every gate is done."""
    return 4 * fixed + 100


def _gates(rows: int) -> int:
    least, most = _GATES
    return max(least, min(most, _CELLS // rows))


def _until_shown(
    draws: Floats, low: float, high: float, bound: float, hoped: Sequence[float], error: float
) -> Sequential:
    rows = draws.shape[-1]
    each = Drawn(draws, np.ones(rows), low, high)
    shown = evidence_above(each, bound, Design(rows, rows, 1), hoped) >= -np.log(error)
    taken = np.where(shown.any(axis=-1), shown.argmax(axis=-1) + 1, rows)
    return Sequential(int(np.ceil(taken.mean())), int(np.quantile(taken, 0.9, method="inverted_cdf")))
