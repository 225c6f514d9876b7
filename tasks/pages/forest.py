"""The forest plot of a page: panels whose lines share an axis, and a drawing of them in text."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from configs.schema.gate import Rule
from tasks.gating.verdict import RuleVerdict
from tasks.pages.numbers import number, shown
from tasks.pages.page import Line, Measurement, Panel
from tasks.scoring.score import Metric

_NARROWEST, _WIDEST = 15, 41
"""Characters of a drawing."""


class _Axis(NamedTuple):
    """Lines with the same axis share a panel; `reach` is None where the data decide how far it goes."""

    title: str
    difference: bool
    reach: tuple[float, float] | None


def panels(
    verdicts: Sequence[RuleVerdict],
    rules: Mapping[str, Rule],
    measurements: Sequence[Measurement],
    metrics: Mapping[str, Metric],
) -> tuple[Panel, ...]:
    """Returns the panels of a page: the rules with their bounds, then each metric's difference, else its value.

    Args:
        verdicts: on each rule.
        rules: the gate's rules by their text.
        measurements: over all rows.
        metrics: every metric by name.
    """
    of_rules = [_of_rule(verdict, rules[verdict.rule], metrics[verdict.metric]) for verdict in verdicts]
    of_metrics = [_of_metric(each, metrics[each.one.metric]) for each in measurements if not _is_nothing(each)]
    return (*_grouped(of_rules), *_grouped(of_metrics))


def place(panel: Panel, value: float) -> float:
    """Returns where a value stands on a panel's axis, from 0 to 1; what lies outside stands at the end."""
    return min(1.0, max(0.0, (value - panel.low) / (panel.high - panel.low)))


def ends(panel: Panel, line: Line) -> tuple[float, float]:
    """Returns where a line's interval begins and ends; an end that is not known reaches to the axis' end."""
    low, high = line.estimate.low, line.estimate.high
    return place(panel, -math.inf if low is None else low), place(panel, math.inf if high is None else high)


def is_open(panel: Panel, line: Line) -> tuple[bool, bool]:
    """Returns whether a line's interval goes on beyond the axis, at its lower and at its upper end."""
    low, high = line.estimate.low, line.estimate.high
    return low is None or low < panel.low, high is None or high > panel.high


def drawn(panel: Panel, line: Line, width: int) -> str:
    """Returns a line in `width` characters, such as `  │  ├───●───┤`: the bound, the interval, the value.

    An interval that goes on beyond the axis ends in an arrow.
    """
    cells = [" "] * width
    last = width - 1
    bound = None if line.bound is None else round(place(panel, line.bound) * last)
    if line.estimate.value is not None:
        low, high = (round(end * last) for end in ends(panel, line))
        cells[low : high + 1] = "─" * (high - low + 1)
        below, above = is_open(panel, line)
        cells[low], cells[high] = "◄" if below else "├", "►" if above else "┤"
    if bound is not None:
        cells[bound] = {" ": "│", "─": "┼"}.get(cells[bound], cells[bound])
    if line.estimate.value is not None:
        cells[round(place(panel, line.estimate.value) * last)] = "●"
    return "".join(cells)


def axis(panel: Panel, width: int) -> str:
    """Returns the axis below a panel's lines in `width` characters: both ends and, of differences, zero between."""
    signed = any(line.difference for line in panel.lines)
    low, high = number(panel.low, signed=signed), number(panel.high, signed=signed)
    middle = "0" if signed else ""
    left = low.ljust(width // 2) + middle
    return left + high.rjust(width - len(left))


def beside(line: Line) -> str:
    """Returns what stands beside a line: the estimate, its rows and what follows."""
    if line.estimate.value is None:
        return "no row scored"
    numbers = f"{shown(line.estimate, signed=line.difference)} n={line.estimate.n}"
    return f"{numbers} {line.says}".rstrip()


def as_text(panels_: Sequence[Panel], width: int) -> Iterator[str]:
    """Yields panels as lines of text: names, drawings and numbers in columns that all of them share.

    Args:
        panels_: what is drawn.
        width: characters that there are; where they are too few, lines are longer.
    """
    from rich.cells import cell_len, set_cell_size

    lines = [line for panel in panels_ for line in panel.lines]
    names = max((cell_len(line.what) for line in lines), default=0)
    rest = names + max((cell_len(beside(line)) for line in lines), default=0) + 4
    plot = min(_WIDEST, max(_NARROWEST, width - rest))
    for at, panel in enumerate(panels_):
        yield from ["", panel.title] if at else [panel.title]
        for line in panel.lines:
            yield f"{set_cell_size(line.what, names)}  {drawn(panel, line, plot)}  {beside(line)}"
        yield " " * (names + 2) + axis(panel, plot).rstrip()


def _of_rule(verdict: RuleVerdict, rule: Rule, metric: Metric) -> tuple[_Axis, Line]:
    sign = "≥" if verdict.above else "≤"
    bound = "" if verdict.bound is None else f" {sign} {number(verdict.bound, signed=rule.against_champion)}"
    where = f" where {rule.slice}" if rule.slice else ""
    share = ""
    if rule.quantile is not None:
        within = f"≤ {number(rule.at_most)}" if rule.at_least is None else f"≥ {number(rule.at_least)}"
        share = f" {within}, share"
    line = Line(
        what=f"{rule.metric}{where}{share}{bound}",
        estimate=verdict.estimate,
        difference=rule.against_champion,
        bound=verdict.bound,
        says=str(verdict.decision),
    )
    return _axis("rules", metric, difference=rule.against_champion, share=rule.quantile is not None), line


def _of_metric(measurement: Measurement, metric: Metric) -> tuple[_Axis, Line]:
    difference = measurement.difference
    line = Line(
        what=measurement.metric,
        estimate=measurement.one if difference is None else difference,
        difference=difference is not None,
        bound=None if difference is None else 0.0,
        says=measurement.says,
    )
    return _axis("metrics", metric, difference=difference is not None), line


def _is_nothing(measurement: Measurement) -> bool:
    """Returns whether there is nothing to see: nothing was measured, or both sides are alike in every row.

    Quantiles are in the tables alone.
    """
    difference = measurement.difference
    if difference is None:
        return measurement.one.value is None or measurement.one.quantile is not None
    unknown = difference.low == -math.inf and difference.high == math.inf
    return difference.value is None or (difference.value == 0 and (unknown or difference.low == difference.high == 0))


def _axis(group: str, metric: Metric, *, difference: bool, share: bool = False) -> _Axis:
    if share:
        return _Axis(f"{group}: share of rows", difference, (0.0, 1.0))
    unit = f" in {metric.unit}" if metric.unit else ""
    scale = "" if metric.high is None else f" on a scale from {number(metric.low)} to {number(metric.high)}"
    reach = None if difference or metric.high is None else (metric.low, metric.high)
    return _Axis(f"{group}: {'difference' if difference else 'value'}{unit}{scale}", difference, reach)


def _grouped(lines: Iterable[tuple[_Axis, Line]]) -> Iterator[Panel]:
    by_axis: dict[_Axis, list[Line]] = {}
    for axis_of, line in lines:
        by_axis.setdefault(axis_of, []).append(line)
    for axis_of, together in by_axis.items():
        low, high = axis_of.reach or _reach(together, difference=axis_of.difference)
        yield Panel(title=axis_of.title, low=low, high=high, lines=tuple(together))


def _reach(lines: Sequence[Line], *, difference: bool) -> tuple[float, float]:
    """Returns an axis that shows every finite number of its lines: from zero, or as far on both sides of it."""
    numbers = [n for line in lines for n in (line.bound, line.estimate.value, line.estimate.low, line.estimate.high)]
    most = max((abs(n) for n in numbers if n is not None and math.isfinite(n)), default=0.0) or 1.0
    return (-most, most) if difference else (0.0, most)
