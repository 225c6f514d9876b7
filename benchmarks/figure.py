"""What a benchmark reports: figures beside what they are to reach, grouped in the rows of a table."""

import math
from dataclasses import dataclass
from typing import NamedTuple


class Reach(NamedTuple):
    """A bound that a figure is to keep; both bounds may be left out, then it is told and not judged."""

    at_least: float | None = None
    at_most: float | None = None

    def holds(self, value: float) -> bool:
        """Whether a value keeps it."""
        return (self.at_least is None or value >= self.at_least) and (self.at_most is None or value <= self.at_most)


@dataclass(frozen=True)
class Figure:
    """One measured number.

    Attributes:
        what: what it is, with its unit or what it is a ratio of.
        value: the number; None where there was nothing to measure, NaN where measuring failed: `note` says why.
        reach: what it is to reach.
        digits: decimals that are shown.
        unit: written behind the number and behind its reach.
        note: the numbers that it comes from.
    """

    what: str
    value: float | None
    reach: Reach = Reach()  # noqa: RUF009 a tuple
    digits: int = 2
    unit: str = ""
    note: str = ""

    @property
    def shown(self) -> str:
        """The number as people read it; a dash where there is none."""
        if self.value is None:
            return "–"
        return "failed" if math.isnan(self.value) else self._written(self.value)

    @property
    def shown_reach(self) -> str:
        """What is to be reached; a dash where nothing is."""
        if self.reach.at_least is not None and self.reach.at_least == self.reach.at_most:
            return f"= {self._written(self.reach.at_least)}"
        if self.reach.at_least is not None:
            return f"≥ {self._written(self.reach.at_least)}"
        return "–" if self.reach.at_most is None else f"≤ {self._written(self.reach.at_most)}"

    @property
    def reached(self) -> bool | None:
        """Whether it was reached; None where there was nothing to measure, or nothing to reach."""
        if self.value is None:
            return None
        if math.isnan(self.value):
            return False
        return None if self.reach == Reach() else self.reach.holds(self.value)

    def _written(self, number: float) -> str:
        return f"{number:,.{self.digits}f}{self.unit}"


@dataclass(frozen=True)
class Row:
    """One row of a table: what was measured, how, and the figures that came of it."""

    number: int
    title: str
    how: str
    figures: tuple[Figure, ...]

    @property
    def reached(self) -> bool:
        """Whether every figure that is judged was reached."""
        return all(figure.reached is not False for figure in self.figures)


def not_measured(number: int, error: Exception) -> Row:
    """Returns the row that stands for one whose measuring failed: it is not reached, and says why."""
    return Row(number, "Not measured", str(error), (Figure("measuring", math.nan, note="failed, see below"),))
