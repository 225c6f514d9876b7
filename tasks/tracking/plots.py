"""Plots of an evaluation and of an exploration: readable without colour, and in black and white."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tasks.results.evaluation import Evaluation
from tasks.scoring.score import Metric
from tasks.statistics.estimate import Estimate

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from tasks.tuning.adapters import Point

_BLUE, _GREY = "#0b5394", "#666666"
_MARKERS = "osD^vP*X"


def score_distributions(evaluation: Evaluation, metrics: Mapping[str, Metric]) -> "Figure | None":
    """Returns how the rows' scores are spread, a panel a metric; None where no row has a score."""
    values = {name: evaluation.scores[name].dropna().to_numpy() for name in metrics if name in evaluation.scores}
    shown = {name: numbers for name, numbers in values.items() if len(numbers)}
    if not shown:
        return None
    columns = min(3, len(shown))
    lines = -(-len(shown) // columns)
    figure = _figure(4 * columns, 2.6 * lines)
    for position, (name, numbers) in enumerate(shown.items(), 1):
        axes = figure.add_subplot(lines, columns, position)
        high = metrics[name].high
        span = None if high is None else (metrics[name].low, high)
        axes.hist(numbers, bins=20, range=span, color=_BLUE, edgecolor="white")
        better = f"{metrics[name].direction} is better"
        _label(axes, f"{name} (n={len(numbers)}, {better})", metrics[name].unit or "score", "rows")
    return figure


def leaderboard_plot(board: Sequence[Evaluation], metric: Metric) -> "Figure | None":
    """Returns each candidate's estimate with its interval, best on top; None where none was measured."""
    shown = [
        (evaluation.candidate.label, estimate)
        for evaluation in board
        if (estimate := evaluation.estimate(metric.name)) and estimate.value is not None
    ]
    if not shown:
        return None
    figure = _figure(8, 1.2 + 0.4 * len(shown))
    axes = figure.add_subplot()
    for position, (_, estimate) in enumerate(reversed(shown)):
        axes.errorbar(
            float(estimate.value or 0), position, xerr=_arms(estimate), fmt="o", color=_BLUE, ecolor=_GREY, capsize=3
        )
    axes.set_ylim(-0.6, len(shown) - 0.4)
    axes.set_yticks(range(len(shown)), [label for label, _ in reversed(shown)])
    confidence = f"{shown[0][1].confidence:.0%} intervals"
    _label(axes, f"{metric.name}, {metric.direction} is better, {confidence}", metric.unit or metric.name, "")
    return figure


def cost_against_quality(board: Sequence[Evaluation], quality: Metric, cost: Metric) -> "Figure | None":
    """Returns a point a candidate, with its intervals: what it costs and how good it is; None where none has both."""
    points = [
        (evaluation.candidate.label, x, y)
        for evaluation in board
        if (x := evaluation.estimate(cost.name)) and x.value is not None
        if (y := evaluation.estimate(quality.name)) and y.value is not None
    ]
    if not points:
        return None
    figure = _figure(8, 4.5)
    axes = figure.add_subplot()
    for position, (label, across, up) in enumerate(points):
        axes.errorbar(
            float(across.value or 0),
            float(up.value or 0),
            xerr=_arms(across),
            yerr=_arms(up),
            marker=_MARKERS[position % len(_MARKERS)],
            markersize=9,
            markeredgecolor="black",
            linestyle="",
            capsize=3,
            label=label,
        )
    axes.legend(fontsize=8, loc="best")
    name = f"{cost.name} ({cost.unit})" if cost.unit else cost.name
    _label(axes, f"{quality.name} against {cost.name}", name, quality.name)
    return figure


def loss_curves(losses: "Sequence[Point]") -> "Figure":
    """Returns the loss of an answer's token by step: of what is fitted to, and of what is held out.

    Args:
        losses: points of both sides, by step.
    """
    figure = _figure(8, 4)
    axes = figure.add_subplot()
    for side, name, style, colour in (("train", "fitted to", "-", _GREY), ("held_out", "held out", "o--", _BLUE)):
        points = [each for each in losses if each.side == side]
        if points:
            steps, values = [each.step for each in points], [each.value for each in points]
            axes.plot(steps, values, style, color=colour, label=name)
    axes.set_yscale("log")
    axes.legend(fontsize=8)
    _label(axes, "loss of an answer's token", "step", "loss")
    return figure


def ranks_over_stretches(ranks: "Mapping[str, Sequence[float]]") -> "Figure | None":
    """Returns how unlike those before each stretch of texts was, a line a kind of text; None where none was compared.

    Args:
        ranks: of the stretches, small where one differs.
    """
    shown = {name: values for name, values in ranks.items() if values}
    if not shown:
        return None
    figure = _figure(8, 3.5)
    axes = figure.add_subplot()
    for marker, (name, values) in zip(_MARKERS, shown.items(), strict=False):
        axes.plot(range(1, len(values) + 1), values, f"{marker}-", label=name, markersize=4)
    axes.set_yscale("log")
    axes.invert_yaxis()
    axes.legend(fontsize=8)
    _label(axes, "drift: rank among permutations, the higher the more unlike what was before", "comparison", "rank")
    return figure


def _arms(estimate: Estimate) -> list[list[float]]:
    """Returns the lengths of an interval's two arms, in the form that error bars take."""
    value, low, high = float(estimate.value or 0), float(estimate.low or 0), float(estimate.high or 0)
    return [[max(0.0, value - low)], [max(0.0, high - value)]]


def _figure(width: float, height: float) -> "Figure":
    # A figure of its own needs neither a display nor the state that pyplot shares between threads.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _label(axes: "Axes", title: str, across: str, up: str) -> None:
    axes.set_title(title, fontsize=10)
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    axes.grid(visible=True, axis="both", alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
