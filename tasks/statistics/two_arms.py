"""Evidence on the difference of two arms, looked at again and again: each person is one bet.

People are drawn by chance between the arms. Weighted by how probable the arm was, a person's values have the difference
of the arms as their mean, whatever else changes with time: both arms live through the same hours. What people before
had on the average is taken off first, which changes no mean and makes the bets far sharper. Waudby-Smith, Wu, Ramdas,
Karampatziakis and Mineiro, *Anytime-valid off-policy inference for contextual bandits* (2022, arXiv:2210.10768),
section 2. Where both arms answer the same request, the difference is at hand.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.statistics.anytime import lowest_possible
from tasks.statistics.betting import log_wealth
from tasks.statistics.intervals import Interval

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
People = NDArray[np.int64]

_HOPED = (0.1, 0.05)
"""Differences for which the evidence is the sharpest."""


class Gains(NamedTuple):
    """One number a person, whose mean is what the new arm is better by; in the order of their first answers.

    Attributes:
        values: the numbers.
        reach: how far from 0 each could be.
    """

    values: Floats
    reach: Floats

    @property
    def mirrored(self) -> "Gains":
        """What the new arm is worse by."""
        return self._replace(values=-self.values)


def gains_of_arms(new: Flags, share: Floats, people: People, values: Floats) -> Gains:
    """Returns the gains where each person is answered by one arm.

    Args:
        new: True where the new arm answered; in the order in which the answers came.
        share: how probable that was for this person at that time; above 0 and below 1.
        people: who was answered.
        values: between 0 and 1, the higher the better; an answer without one (NaN) is left out.
    """
    known = ~np.isnan(values)
    new, share, people, values = new[known], share[known], people[known], values[known]
    of, count = _places(people)
    answers = np.maximum(np.bincount(of, minlength=count), 1)
    own = np.bincount(of, weights=values, minlength=count) / answers
    before = (np.cumsum(own) - own + 0.5) / (np.arange(count) + 1)
    weight = np.where(new, 1 / share, -1 / (1 - share))
    reach = np.zeros(count)
    np.maximum.at(reach, of, np.maximum(1 / share, 1 / (1 - share)))
    return Gains(np.bincount(of, weights=weight * (values - before[of]), minlength=count) / answers, reach)


def gains_of_pairs(people: People, differences: Floats) -> Gains:
    """Returns the gains where both arms answered each request.

    Args:
        people: who asked; in the order in which the answers came.
        differences: new − old, between -1 and 1; a request without one (NaN) is left out.
    """
    known = ~np.isnan(differences)
    people, differences = people[known], differences[known]
    of, count = _places(people)
    means = np.bincount(of, weights=differences, minlength=count) / np.maximum(np.bincount(of, minlength=count), 1)
    return Gains(means, np.ones(count))


def evidence_above(gains: Gains, bound: float, hoped: Sequence[float] = _HOPED) -> Floats:
    """Returns the logarithm of the evidence, after each person, that the gains' mean is above a bound.

    Where it is not, the evidence ever reaches log(1/α) with probability α at most.

    Args:
        gains: of any number of people.
        bound: such as 0, or a margin below it.
        hoped: how far above the bound the mean is hoped to be.
    """
    if not gains.values.size:
        return np.zeros(1)
    unit = 2 * gains.reach.max()
    floor, below = (-gains.reach.min() - bound) / unit, (gains.reach - gains.reach.min()) / unit
    wealth = [log_wealth((gains.values - bound) / unit, floor, each / unit, below=below) for each in hoped]
    return np.asarray(np.logaddexp.reduce(wealth, axis=0) - np.log(len(wealth)))


def difference(gains: Gains, confidence: float) -> Interval | None:
    """Returns new − old with an interval that holds however often one looks; None before there is anybody."""
    if not gains.values.size:
        return None
    value, error = float(gains.values.mean()), (1 - confidence) / 2
    low = lowest_possible(lambda bound: evidence_above(gains, bound), value, -1.0, error)
    high = -lowest_possible(lambda bound: evidence_above(gains.mirrored, bound), -value, -1.0, error)
    value = min(max(value, -1.0), 1.0)
    return Interval(value, max(min(low, value), -1.0), min(max(high, value), 1.0), "betting")


def _places(people: People) -> tuple[NDArray[np.intp], int]:
    """Returns the place of each answer's person in the order of first answers, and how many people there are."""
    _, first, codes = np.unique(people, return_index=True, return_inverse=True)
    place = np.empty_like(first)
    place[np.argsort(first, kind="stable")] = np.arange(first.size)
    return place[codes], first.size
