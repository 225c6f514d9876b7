"""The measurements of a page as a table of texts, the same in every form of it."""

from collections.abc import Sequence
from typing import NamedTuple

from tasks.pages.numbers import shown
from tasks.pages.page import Measurement, Page


class Table(NamedTuple):
    """A head and rows of as many texts."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def measurement_table(page: Page, measurements: Sequence[Measurement]) -> Table:
    """Returns a row a measurement: the difference first where there is one, then the value on each side."""
    names = (page.one.name, *([page.other.name] if page.other else []))
    if not any(each.difference for each in measurements):
        rows = [(each.metric, shown(each.one), *_facts(each)) for each in measurements]
        return Table(("metric", names[0], "n", "coverage", "better"), tuple(rows))
    compared = [
        (each.metric, shown(each.difference, signed=True), each.says, shown(each.one), shown(each.other), *_facts(each))
        for each in measurements
    ]
    return Table(("metric", "difference", "", *names, "n", "coverage", "better"), tuple(compared))


def _facts(measurement: Measurement) -> tuple[str, str, str]:
    counted = measurement.difference or measurement.one
    return str(counted.n), f"{counted.coverage:.2f}", measurement.better
