"""What a search makes high: metrics in their own direction, less what is missing to the bounds of the sample gate."""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from configs.schema.app import App
from configs.schema.augment import SearchPrompt
from configs.schema.gate import Rule
from tasks.scoring.score import Metric

Value = Callable[[str], float | None]
"""The value of a metric by its name; None where there is none."""


class Objective(NamedTuple):
    """Weights over metrics, and demands that are paid for where they are missed.

    Attributes:
        weights: by metric.
        demands: `at_least` and `at_most` of the sample gate on all rows, of metrics with two ends.
        penalty: weight of what is missing, as a share of the metric's range.
        metrics: every metric of the app, by name.
    """

    weights: Mapping[str, float]
    demands: tuple[Rule, ...]
    penalty: float
    metrics: Mapping[str, Metric]

    def of(self, value: Value) -> float:
        """Returns what a search makes high.

        A metric without a value counts as its worst: where rows do not have it, that is so for every arm. One that has
        no worst end makes it minus infinity.
        """
        gained = sum(weight * self._directed(name, value(name)) for name, weight in self.weights.items())
        return gained - self.penalty * sum(self._missing(rule, value(rule.metric)) for rule in self.demands)

    def of_row(self, value: Value) -> float:
        """Returns the same of one answer, from 0 to 1, of the metrics that it has: what an optimiser learns from.

        A bound is one on many rows, so of one the metrics that are bounded count as those that are weighed.
        """
        weights = {rule.metric: self.penalty for rule in self.demands} | dict(self.weights)
        shares = [(weight, self._share(name, value(name))) for name, weight in weights.items()]
        parts = [(weight, share) for weight, share in shares if share is not None]
        whole = sum(weight for weight, _ in parts)
        return sum(weight * share for weight, share in parts) / whole if whole else 0.0

    def _directed(self, name: str, value: float | None) -> float:
        metric = self.metrics[name]
        if value is None:
            value = metric.low if metric.direction == "higher" else metric.high
        if value is None:
            return -math.inf
        return value if metric.direction == "higher" else -value

    def _share(self, name: str, value: float | None) -> float | None:
        metric = self.metrics[name]
        if value is None or metric.high is None:
            return None
        share = (value - metric.low) / (metric.high - metric.low)
        return share if metric.direction == "higher" else 1 - share

    def _missing(self, rule: Rule, value: float | None) -> float:
        metric = self.metrics[rule.metric]
        high = metric.high if metric.high is not None else math.inf
        if rule.at_least is not None:
            return max(0.0, rule.at_least - (metric.low if value is None else value)) / (high - metric.low)
        return max(0.0, (high if value is None else value) - (rule.at_most or 0.0)) / (high - metric.low)


def objective_of(app: App, move: SearchPrompt, metrics: Mapping[str, Metric]) -> Objective:
    """Returns a move's objective; `explore.rank_by` where it gives none."""
    demands = _demands(app.gates.sample.rules, metrics)
    return Objective(move.objective or {app.explore.rank_by: 1.0}, demands, move.penalty, metrics)


def _demands(rules: Iterable[Rule], metrics: Mapping[str, Metric]) -> tuple[Rule, ...]:
    return tuple(
        rule
        for rule in rules
        if not rule.against_champion
        and rule.slice is None
        and rule.quantile is None
        and rule.metric in metrics
        and metrics[rule.metric].high is not None
    )
