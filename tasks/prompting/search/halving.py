"""Successive halving (Jamieson and Talwalkar 2016): many arms on few rows, the best half of them on twice as many."""

from collections.abc import Sequence
from typing import NamedTuple


class Rung(NamedTuple):
    """One step: how many arms are asked how many rows, those of the step before included."""

    arms: int
    rows: int


def rungs(arms: int, ends: Sequence[int], first: int) -> tuple[Rung, ...]:
    """Returns the steps of a search.

    Each asks half as many arms, rounded up, twice as many rows, so that all cost about the same: the rows that an arm
    was asked before are known. It ends where two arms are left, or where there are no more rows to tell them apart.

    Args:
        arms: at least 1.
        ends: numbers of rows that it may stop at, ascending, the last one all rows: so that no cluster is cut.
        first: rows of the first step at least; all where there are fewer.
    """
    found: list[Rung] = []
    wanted = first
    while True:
        rows = next((end for end in ends if end >= wanted), ends[-1])
        found.append(Rung(arms, rows))
        if arms <= 2 or rows == ends[-1]:
            return tuple(found)
        arms, wanted = (arms + 1) // 2, 2 * rows


def best(values: Sequence[float], keep: int) -> tuple[int, ...]:
    """Returns the positions of the `keep` highest values, the highest first; of equal ones the earlier."""
    return tuple(sorted(range(len(values)), key=lambda at: (-values[at], at))[:keep])
