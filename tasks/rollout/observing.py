"""What both sides of a rollout have answered so far, as numbers."""

from array import array
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from tasks.rollout.measures import Measure, goodness
from tasks.rollout.placing import original_of
from tasks.serving.served import Served
from tasks.statistics.two_arms import Gains, gains_of_arms, gains_of_pairs


class _Series:
    """The goodness of answers on one measure, column by column: a rollout may see a hundred thousand of them."""

    def __init__(self) -> None:
        self._new, self._people = array("b"), array("q")
        self._share, self._values = array("d"), array("d")

    def add(self, new: bool, share: float, person: int, value: float) -> None:
        self._new.append(new)
        self._share.append(share)
        self._people.append(person)
        self._values.append(value)

    @property
    def new(self) -> "np.typing.NDArray[np.bool_]":
        return np.array(self._new, dtype=bool)

    @property
    def share(self) -> "np.typing.NDArray[np.float64]":
        return np.array(self._share, dtype=np.float64)

    @property
    def people(self) -> "np.typing.NDArray[np.int64]":
        return np.array(self._people, dtype=np.int64)

    @property
    def values(self) -> "np.typing.NDArray[np.float64]":
        return np.array(self._values, dtype=np.float64)


class Observations:
    """The answers of one rollout, added as they come.

    Args:
        measures: what is measured.
        limits: what counts as too much of times and prices, by measure; see `limits_of`.
        phrases: by which an abstention is recognised.

    Attributes:
        copies: how many copies the candidate has answered.
        watched: how many answers it has given since its promotion.
    """

    def __init__(self, measures: Sequence[Measure], limits: Mapping[str, float], phrases: tuple[str, ...]) -> None:
        self.measures = tuple(measures)
        self.copies = 0
        self.watched = 0
        self._limits = dict(limits)
        self._phrases = phrases
        self._people: dict[str, int] = {}
        self._drawn = {each.name: _Series() for each in measures}
        self._watched = {each.name: _Series() for each in measures}
        self._pairs = {each.name: _Series() for each in measures}
        self._halves: dict[tuple[str, str, bool], float] = {}
        self._own: dict[float, int] = {}

    def add(self, answers: Iterable[Served]) -> None:
        """Adds answers in the order in which they were recorded.

        Those of no rollout are left out, and requests that a guard kept from whoever would have answered.
        """
        for served in answers:
            placed = served.placed
            if placed is None or served.is_blocked:
                continue
            found = goodness(served, self.measures, self._limits, self._phrases)
            person = self._people.setdefault(placed.person, len(self._people))
            new = placed.arm in ("canary", "shadow")
            if placed.arm == "watch":
                self.watched += 1
            elif placed.share > 0:
                self._own[placed.share] = self._own.get(placed.share, 0) + new
            else:
                self.copies += new
            for name, value in found.items():
                if placed.arm == "watch":
                    self._watched[name].add(new=True, share=1.0, person=person, value=value)
                elif placed.share > 0:
                    self._drawn[name].add(new, placed.share, person, value)
                else:
                    self._pair(name, original_of(served.id), person, new, value)

    def own_answers(self, share: float) -> int:
        """Returns how many users' requests the candidate has answered while it had a share."""
        return self._own.get(share, 0)

    def drawn(self, measure: Measure, *, missing_is_worst: bool) -> Gains:
        """Returns what the candidate is better by on users' requests.

        Args:
            measure: one of the measures.
            missing_is_worst: whether an answer of the candidate's without a value counts as the worst; else as none.
        """
        of = self._drawn[measure.name]
        new, values = of.new, of.values
        if missing_is_worst:
            values = np.where(np.isnan(values) & new, 0.0, values)
        return gains_of_arms(new, of.share, of.people, values)

    def paired(self, measure: Measure) -> Gains:
        """Returns what the candidate is better by on requests that both have answered."""
        of = self._pairs[measure.name]
        return gains_of_pairs(of.people, of.values)

    def before(self, measure: Measure) -> Gains:
        """Returns how good the champion before was on users' requests of the rollout, a number a person."""
        of = self._drawn[measure.name]
        return gains_of_pairs(of.people[~of.new], of.values[~of.new])

    def after(self, measure: Measure) -> Gains:
        """Returns how good the new champion is since its promotion, a number a person."""
        of = self._watched[measure.name]
        return gains_of_pairs(of.people, of.values)

    def answered(self, measure: Measure) -> tuple[int, int]:
        """Returns how many answers of the candidate's, and of the champion's, have the measure."""
        of = self._drawn[measure.name]
        new = of.new[~np.isnan(of.values)]
        return int(new.sum()), int((~new).sum())

    def answered_since(self, measure: Measure) -> int:
        """Returns how many answers since the promotion have the measure."""
        return int((~np.isnan(self._watched[measure.name].values)).sum())

    def _pair(self, name: str, request: str, person: int, new: bool, value: float) -> None:
        """Keeps one half of a pair until the other comes."""
        other = self._halves.pop((name, request, not new), None)
        if other is None:
            self._halves[name, request, new] = value
            return
        self._pairs[name].add(new=True, share=0.0, person=person, value=value - other if new else other - value)
