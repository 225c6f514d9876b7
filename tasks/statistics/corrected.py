"""A judged mean, corrected by what people said of some rows: what people's own over all of them would be."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tasks.results.evaluation import Evaluation
from tasks.scoring.score import Metric
from tasks.statistics.estimate import Estimate
from tasks.statistics.intervals import mean_interval
from tasks.statistics.measured import Floats, Measured, measured, part_of
from tasks.statistics.prediction_powered import prediction_powered_mean

if TYPE_CHECKING:
    import pandas as pd

LEAST = 20
"""Labels from which on a mean is corrected: of fewer, their own error is larger than most judges'."""
_LEAST_CLUSTERS = 5
"""That must have labels: of fewer, nothing tells how they differ."""


class Corrected(NamedTuple):
    """People's mean over all rows, its interval within the metric's range, and how it was made.

    `gain` is how many times as many labels people alone would have needed for it.
    """

    value: float
    low: float
    high: float
    method: str
    gain: float


def people_column(metric: str) -> str:
    """Returns the column of `Evaluation.scores` that holds people's labels of a judged metric, NaN where none is."""
    return f"{metric}.people"


def people_of(scores: "pd.DataFrame", metric: Metric) -> Floats | None:
    """Returns people's labels of a metric, one a row, NaN where there is none; None where no row has one."""
    name = people_column(metric.name)
    return np.asarray(scores[name], np.float64) if name in scores.columns else None


def corrected_mean(judged: Measured, people: Floats, confidence: float) -> Corrected | None:
    """Estimates people's mean over all rows that a judge has scored, by PPI++; see `prediction_powered_mean`.

    Labels that are all alike do not tell how people's differ, and leave the judge nothing to be compared with: they,
    and labels of every row, stand for themselves, with the interval of `mean_interval`.

    Args:
        judged: the judge's scores; with the ends of their range, both finite.
        people: labels of the same rows, NaN where there is none; those of rows without a score do not count.
        confidence: level, such as 0.95.

    Returns:
        None where fewer than 20 scored rows, or rows of fewer than 5 clusters, have a label.
    """
    rows, labels = judged.scored, people[~np.isnan(judged.values)]
    has = ~np.isnan(labels)
    human, clusters = labels[has], rows.clusters[has]
    if human.size < LEAST or np.unique(clusters).size < _LEAST_CLUSTERS:
        return None
    if has.all() or np.all(human == human[0]):
        alone = mean_interval(human, clusters, confidence, rows.low, rows.high)
        return Corrected(*alone[:3], f"people's {human.size} labels alone, {alone.method}", 1.0)
    both = (clusters, rows.clusters[~has])
    found = prediction_powered_mean(human, rows.values[has], rows.values[~has], confidence, both)
    value, low, high = (float(np.clip(end, rows.low, rows.high)) for end in found[:3])
    return Corrected(value, low, high, f"prediction-powered, {human.size} labels", found.gain)


def with_people(evaluation: Evaluation, metrics: Mapping[str, Metric]) -> Evaluation:
    """Returns an evaluation whose judged means are corrected by people's labels, where enough of its rows have one.

    After an early stop they are left as they are: their intervals hold at any time, and a corrected one does not.

    Args:
        evaluation: with estimates, and with people's labels among its scores.
        metrics: the app's metrics by name.
    """
    if evaluation.stopped_early:
        return evaluation
    return replace(evaluation, estimates=tuple(_corrected(each, evaluation, metrics) for each in evaluation.estimates))


def _corrected(estimate: Estimate, evaluation: Evaluation, metrics: Mapping[str, Metric]) -> Estimate:
    metric = metrics[estimate.metric]
    people = people_of(evaluation.scores, metric)
    if people is None or estimate.quantile is not None:
        return estimate
    rows = measured(evaluation.rows, evaluation.scores, metric).only(part_of(evaluation.rows, estimate.slice))
    found = corrected_mean(rows, people, estimate.confidence)
    if found is None:
        return estimate
    numbers = {"value": found.value, "low": found.low, "high": found.high, "method": found.method}
    return estimate.model_copy(update={**numbers, "judge_alone": estimate.value})
