"""Tells, of values that come one by one, that they have begun to be others, and since when; looked at at any time.

As long as nothing changes, the rank of each value among all before it is uniform and independent of the earlier ranks,
whatever the values are: shares, times or prices (Vovk, Nouretdinov and Gammerman, *Retrain or not retrain: conformal
test martingales for change-point detection*, 2021, arXiv:2102.10439). Bets against such ranks add up to an e-detector
of the kind of Shiryaev and Roberts (Shin, Ramdas and Rinaldo, *E-detectors: a nonparametric framework for sequential
change detection*, 2024, arXiv:2203.03532), which alarms falsely once in so many values at most, on average.
"""

import math
from bisect import bisect_left, bisect_right, insort
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Literal, NamedTuple

Side = Literal["higher", "lower", "either", "far higher"]
"""Which change is looked for: values that are higher than before, lower, or either; or only such as are far higher."""

REMEMBERED = 2000
"""Values that later ones are compared with; once there are so many, no further ones join them."""

_POWERS = (0.1, 0.3, 0.6)
"""Bets on a few values far outside: of a rank u, ε·u^(ε-1)."""
_RATES = (1.0, 2.0, 4.0)
"""Bets on all values being a little larger: λ·e^(-λu) / (1 - e^(-λ))."""
_SCALES = tuple(rate / -math.expm1(-rate) for rate in _RATES)
_SMALLEST = 1e-12


class Alarm(NamedTuple):
    """A change that was found.

    Attributes:
        at: label of the value with which it was.
        began: label of the value with which it most likely began.
    """

    at: str
    began: str


@dataclass
class Evidence:
    """What ranks say against nothing having changed.

    Attributes:
        sums: the Shiryaev-Roberts sum of each bet.
        rises: what each bet has gained since it was last at its lowest: a CUSUM, which tells when a change began.
        began: label of the rank after that lowest point, by bet.
    """

    sums: list[float] = field(default_factory=list)
    rises: list[float] = field(default_factory=list)
    began: list[str] = field(default_factory=list)

    def enter(self, rank: float, label: str, side: Side, every: float) -> Alarm | None:
        """Enters the next rank, and returns an alarm where that is one; then it begins anew.

        Args:
            rank: between 0 and 1, small where a value is high; uniform where nothing has changed.
            label: by which an alarm names it.
            side: which change is looked for; the same for all ranks.
            every: on average there is one false alarm in so many ranks at most.
        """
        gains = _gains(rank, side)
        if len(self.sums) != len(gains):
            self._begin(len(gains))
        for bet, gain in enumerate(gains):
            if self.rises[bet] <= 1:
                self.rises[bet], self.began[bet] = 1.0, label
            self.rises[bet] *= gain
            self.sums[bet] = (self.sums[bet] + 1) * gain
        if self.level < every:
            return None
        alarm = Alarm(label, self.began[self.rises.index(max(self.rises))])
        self._begin(len(gains))
        return alarm

    @property
    def level(self) -> float:
        """How much speaks for a change: an alarm is given where this reaches `every`."""
        return sum(self.sums) / len(self.sums) if self.sums else 0.0

    def _begin(self, bets: int) -> None:
        self.sums, self.rises, self.began = [0.0] * bets, [1.0] * bets, [""] * bets


@dataclass
class Detector:
    """Values that came so far, as many of them as later ones are compared with, and what they say of a change.

    Attributes:
        known: the values that later ones are compared with, in order of size.
        count: how many have entered.
        evidence: of the ranks.
    """

    known: list[float] = field(default_factory=list)
    count: int = 0
    evidence: Evidence = field(default_factory=Evidence)

    def enter(self, value: float, place: float, label: str, side: Side, every: float) -> Alarm | None:
        """Enters the next value, and returns an alarm where that is one.

        After an alarm as before it values join those that later ones are compared with, until these are `REMEMBERED`:
        only so are ranks uniform as long as nothing changes. Those against a few values that stay the same are not, and
        would alarm more often than once in `every`.

        Args:
            value: a finite number.
            place: drawn uniformly from 0 to 1: its place among those that are the same.
            label: by which an alarm names it, such as the time at which it came.
            side: which change is looked for; the same for all values.
            every: on average there is one false alarm in so many values at most.
        """
        alarm = self.evidence.enter(self._rank(value, place), label, side, every)
        if len(self.known) < REMEMBERED:
            insort(self.known, value)
        self.count += 1
        return alarm

    def _rank(self, value: float, place: float) -> float:
        """Returns the share of values above this one; among those that are the same, it stands where `place` says."""
        above = len(self.known) - bisect_right(self.known, value)
        same = len(self.known) - above - bisect_left(self.known, value)
        return (above + place * (same + 1)) / (len(self.known) + 1)


def drawn_place(text: str, about: str) -> float:
    """Returns a place between 0 and 1 for a text, the same whenever it is drawn and unlike that for anything else."""
    return (int.from_bytes(blake2b(f"{about} {text}".encode(), digest_size=8).digest(), "big") + 0.5) / 2**64


def _gains(rank: float, side: Side) -> list[float]:
    """Returns what each bet gains by a rank: on average 1 where ranks are uniform."""
    if side == "far higher":
        return _far_bets(rank)
    if side == "higher":
        return _bets(rank)
    if side == "lower":
        return _bets(1 - rank)
    return _bets(rank) + _bets(1 - rank)


def _bets(rank: float) -> list[float]:
    return _far_bets(rank) + [scale * math.exp(-rate * rank) for rate, scale in zip(_RATES, _SCALES, strict=True)]


def _far_bets(rank: float) -> list[float]:
    u = max(rank, _SMALLEST)
    return [power * u ** (power - 1) for power in _POWERS]
