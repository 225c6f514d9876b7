"""How often intervals of a fixed number of rows hold the truth."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.stats import lognorm

from benchmarks.decisions.scenarios import differences
from benchmarks.decisions.sizes import Sizes
from benchmarks.figure import Figure, Reach, Row
from tasks.statistics.intervals import difference_interval, mean_interval, ratio_interval
from tasks.statistics.quantiles import quantile_interval

Floats = NDArray[np.float64]

_LEVEL = 0.95
_SIZES = (20, 100, 500, 2000)
_LEAST, _MOST = 93.5, 97.5
_SIGMA = 0.5
"""Of the logarithm of simulated times: the slowest of twenty takes about three times as long as the median."""


class _Ends(Protocol):
    @property
    def low(self) -> float | None: ...
    @property
    def high(self) -> float | None: ...


class _Case(NamedTuple):
    """An interval and the truth that it is to hold."""

    name: str
    made: Callable[[np.random.Generator, int], _Ends]
    truth: float
    least_of_20: float = _LEAST


def coverage(sizes: Sizes) -> Row:
    """Simulates samples of each size, and counts the intervals that hold the truth."""
    figures = []
    for case in _CASES:
        outside, shown = 0, []
        for n in _SIZES:
            held, made = _held(case, n, sizes.samples)
            share = 100 * held / made if made else None
            least = case.least_of_20 if n == _SIZES[0] else _LEAST
            outside += share is not None and not least <= share <= _MOST
            shown.append(f"{n:,}: " + (f"{share:.1f} %" if share is not None else "refused"))
        figures.append(Figure(case.name, outside, Reach(at_most=0), digits=0, unit=" of 4", note=", ".join(shown)))
    return Row(
        3,
        "Sizes at which the coverage of fixed-size 95 % intervals is outside its bounds",
        f"{sizes.samples:,} simulated samples of 20, 100, 500 and 2,000 rows each; {_LEAST:g} to {_MOST:g} % of the "
        "intervals are to hold the truth, Wilson's of 20 rows 91 %. A quantile is refused where the rows are too few.",
        tuple(figures),
    )


def _held(case: _Case, n: int, samples: int) -> tuple[int, int]:
    rng = np.random.default_rng(20261127)
    held = made = 0
    for _ in range(samples):
        ends = case.made(rng, n)
        if ends.low is not None and ends.high is not None:
            made += 1
            held += ends.low <= case.truth <= ends.high
    return held, made


def _own(n: int) -> NDArray[np.int64]:
    return np.arange(n)


def _shares(share: float) -> Callable[[np.random.Generator, int], _Ends]:
    return lambda rng, n: mean_interval((rng.random(n) < share).astype(float), _own(n), _LEVEL, 0.0, 1.0)


def _clustered_shares(rng: np.random.Generator, n: int) -> _Ends:
    shared = np.repeat(rng.beta(6, 4, n // 2), 2)
    return mean_interval((rng.random(n) < shared).astype(float), _own(n) // 2, _LEVEL, 0.0, 1.0)


def _clustered_differences(rng: np.random.Generator, n: int) -> _Ends:
    shared = np.repeat(rng.normal(0, 0.15, n // 2), 2)
    return difference_interval(np.clip(shared + rng.normal(0, 0.2, n), -1, 1), _own(n) // 2, _LEVEL, 1.0)


def _paired(rng: np.random.Generator, n: int) -> _Ends:
    return difference_interval(differences(0.3, 0.04)(rng, n), _own(n), _LEVEL, 1.0)


def _seconds(rng: np.random.Generator, n: int) -> Floats:
    return rng.lognormal(0, _SIGMA, n)


def _ratio(rng: np.random.Generator, n: int) -> _Ends:
    """Price over correct answers, of which there are 0.6."""
    return ratio_interval(rng.lognormal(-5, 0.4, n), (rng.random(n) < 0.6).astype(float), _own(n), _LEVEL)


def _quantile(quantile: float) -> Callable[[np.random.Generator, int], _Ends]:
    return lambda rng, n: quantile_interval(_seconds(rng, n), _own(n), quantile, _LEVEL)


_CASES = (
    _Case("Wilson, share 0.5", _shares(0.5), 0.5, 91),
    _Case("Wilson, share 0.75", _shares(0.75), 0.75, 91),
    _Case("Wilson, share 0.95", _shares(0.95), 0.95, 91),
    _Case("Wilson, clusters of 2", _clustered_shares, 0.6, 91),
    _Case("t, graded scores", lambda r, n: mean_interval(r.beta(2, 3, n), _own(n), _LEVEL, 0.0, 1.0), 0.4),
    _Case("t, times", lambda r, n: mean_interval(_seconds(r, n), _own(n), _LEVEL, 0.0, None), np.exp(_SIGMA**2 / 2)),
    _Case("paired, 0/1 scores", _paired, 0.04),
    _Case("paired, clusters of 2", _clustered_differences, 0.0),
    _Case("quantile 0.5 of times", _quantile(0.5), 1.0),
    _Case("quantile 0.95 of times", _quantile(0.95), float(lognorm(_SIGMA).ppf(0.95))),
    _Case("ratio, price of a correct answer", _ratio, float(np.exp(-5 + 0.08) / 0.6)),
)
