"""Rows as users' data has them, with a mean that is known: what simulated gates are decided on."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.gating.claim import Claim, bounded, not_worse
from tasks.statistics.anytime import Design
from tasks.statistics.measured import Measured

Floats = NDArray[np.float64]
Draw = Callable[[np.random.Generator, int], Floats]

MARGIN = 0.03


class Scenario(NamedTuple):
    """A gate of one rule, on rows whose mean is exactly the rule's bound, so that PASS is wrong.

    Attributes:
        name: shown in the table.
        draw: draws the values of so many rows.
        rows: how many there are.
        claim: makes the rule's claim on them.
        clusters: of each row; each its own where not given.
        whole: whether the mean over the drawn rows themselves is in question.
        labels: rows that people have labelled, where the values are theirs, and a judge has scored all rows.
    """

    name: str
    draw: Draw
    rows: int
    claim: Callable[[Measured], Claim]
    low: float = -1.0
    high: float = 1.0
    clusters: NDArray[np.uint64] | None = None
    whole: bool = False
    labels: int = 0

    def simulated(self, rng: np.random.Generator) -> tuple[Claim, Design]:
        """Draws the rows of one gate."""
        values = self.draw(rng, self.rows)
        clusters = np.arange(self.rows, dtype=np.uint64) if self.clusters is None else self.clusters
        rows = Measured(values, np.ones(self.rows, dtype=bool), clusters, self.low, self.high)
        sizes = np.bincount(clusters.astype(np.int64))
        design = Design(self.rows, sizes.size, int(sizes.max()), self.whole)
        if not self.labels:
            return self.claim(rows), design
        people = np.where(np.arange(self.rows) < self.labels, values, np.nan)
        return self.claim(rows._replace(values=_judged(rng, values)))._replace(people=people), design


def differences(discordant: float, mean: float) -> Draw:
    """Draws paired differences of 0/1 scores: so many are not 0, and this is their mean."""

    def draw(rng: np.random.Generator, n: int) -> Floats:
        chance = rng.random(n)
        better = (discordant + mean) / 2
        return np.where(chance < better, 1.0, np.where(chance < discordant, -1.0, 0.0))

    return draw


def margin(rows: Measured) -> Claim:
    """Returns the claim of `not_worse_than_champion_by: 0.03`."""
    return not_worse(rows, MARGIN, higher_is_better=True)


def _graded(rng: np.random.Generator, n: int) -> Floats:
    """Differences of token F1: mostly 0, the others anything."""
    value = rng.beta(2, 2, n) * 2 - 1 - MARGIN / 0.4
    return np.where(rng.random(n) < 0.4, np.clip(value, -1, 1), 0.0)


def _clustered(rng: np.random.Generator, n: int) -> Floats:
    """Differences whose clusters of 8 share a mean: correlation 0.3 within them."""
    shared = np.repeat(rng.choice([-0.45, 0.45], -(-n // 8)), 8)[:n]
    better = (0.5 - MARGIN + shared) / 2
    chance = rng.random(n)
    return np.where(chance < better, 1.0, np.where(chance < 0.5, -1.0, 0.0)) * 1.0


def _agreeing(clusters: NDArray[np.uint64], share: float) -> Draw:
    """Draws 0/1 scores that are the same for all rows of a cluster."""
    sizes = np.bincount(clusters.astype(np.int64))
    return lambda rng, _: np.repeat(rng.random(sizes.size) < share, sizes).astype(np.float64)


def _catastrophes(rng: np.random.Generator, n: int) -> Floats:
    """Graded scores that are nearly always 1 or 0.99, and one in twenty times 0."""
    value = np.where(rng.random(n) < 0.05, 0.99, 1.0)
    return np.where(rng.random(n) < 0.05, 0.0, value)


def _rare(rng: np.random.Generator, n: int) -> Floats:
    return (rng.random(n) < 1 / 500).astype(np.float64)


def _share(rng: np.random.Generator, n: int) -> Floats:
    return (rng.random(n) < 0.75).astype(np.float64)


def _set(rng: np.random.Generator, n: int) -> Floats:
    """A set of nearly three quarters right, in random order."""
    return rng.permutation((np.arange(n) < int(0.75 * n)).astype(np.float64))


def _judged(rng: np.random.Generator, people: Floats) -> Floats:
    """A judge's scores from 1 to 5 that follow people's, with noise."""
    return np.clip(np.round(people + rng.normal(0, 0.8, people.size)), 1, 5)


def _fives(ones: float) -> Draw:
    """Draws what people say who say 5, and of this share of the answers 1."""
    return lambda rng, n: np.where(rng.random(n) < ones, 1.0, 5.0)


def _graded_by_people(rng: np.random.Generator, n: int) -> Floats:
    """What people say from 1 to 5; its mean is 3 by symmetry."""
    return np.clip(np.round(rng.normal(3, 1.1, n)), 1, 5)


def _labelled(name: str, ones: float, labels: int) -> Scenario:
    return Scenario(name, _fives(ones), 1000, _at_least(5 - 4 * ones), 1.0, 5.0, labels=labels)


def _seconds(rng: np.random.Generator, n: int) -> Floats:
    """Times whose mean is 1 second, a few of them long."""
    return rng.lognormal(-0.18, 0.6, n)


def _at_least(bound: float) -> Callable[[Measured], Claim]:
    return lambda rows: bounded(rows, bound, above=True)


def _at_most(bound: float) -> Callable[[Measured], Claim]:
    return lambda rows: bounded(rows, bound, above=False)


_EIGHTS = np.arange(1600, dtype=np.uint64) // np.uint64(8)
_TWENTIES = np.arange(200, dtype=np.uint64) // np.uint64(20)
_UNEQUAL = np.concatenate([np.arange(20, dtype=np.uint64), np.full(100, 20, dtype=np.uint64)])

SCENARIOS = (
    Scenario("near the margin, 10 % discordant", differences(0.1, -MARGIN), 1000, margin),
    Scenario("near the margin, 30 % discordant", differences(0.3, -MARGIN), 3000, margin),
    Scenario("heavy ties, 4 % discordant", differences(0.04, -MARGIN), 1000, margin),
    Scenario("differences of graded scores", _graded, 1000, margin),
    Scenario("clusters of 8, correlated", _clustered, 1600, margin, clusters=_EIGHTS),
    Scenario("10 clusters of 20 that agree", _agreeing(_TWENTIES, 0.9), 200, _at_least(0.9), 0.0, clusters=_TWENTIES),
    Scenario(
        "20 single rows and 100 that agree", _agreeing(_UNEQUAL, 0.7), 120, _at_least(0.7), 0.0, clusters=_UNEQUAL
    ),
    Scenario("graded, one catastrophe in 20", _catastrophes, 60, _at_least(0.95 * 0.9995), low=0.0),
    Scenario("rare harm, 1 in 500", _rare, 2000, _at_most(1 / 500), low=0.0),
    Scenario("a share of 0.75", _share, 1000, _at_least(0.75), low=0.0),
    Scenario("small, n = 20", _share, 20, _at_least(0.75), low=0.0),
    Scenario(
        "small differences, n = 20",
        differences(0.3, -0.1),
        20,
        lambda rows: not_worse(rows, 0.1, higher_is_better=True),
    ),
    Scenario("this set, one row short", _set, 202, _at_least(0.75), low=0.0, whole=True),
    _labelled("judge corrected by 100 labels, 1 in 20 is 1, not 5", 0.05, 100),
    _labelled("judge corrected by 50 labels, 1 in 10 is 1, not 5", 0.1, 50),
    _labelled("judge corrected by 200 labels, 1 in 50 is 1, not 5", 0.02, 200),
    _labelled("judge corrected by 20 labels, 3 in 10 are 1, not 5", 0.3, 20),
    Scenario("judge corrected by 50 labels, 1 to 5", _graded_by_people, 1000, _at_least(3.0), 1.0, 5.0, labels=50),
    Scenario("seconds, without an upper end", _seconds, 1000, _at_most(1.0), low=0.0, high=np.inf),
)
"""Each with its rule exactly at the bound."""
