"""Which rows a gate's "no" comes from: those that fall short of a broken rule."""

from collections.abc import Iterator, Mapping
from math import isnan
from typing import NamedTuple

from configs.schema.gate import Gate, Rule
from tasks.gating.verdict import Decision, Verdict
from tasks.results.evaluation import Evaluation
from tasks.scoring.score import Metric

ROW_DIMENSIONS = ("quality", "honesty", "harm")
"""Dimensions in which a row can be at fault; what an answer costs, and how long it takes, is no fault of a row's."""


class Failed(NamedTuple):
    """A row that falls short of a rule that does not hold.

    Attributes:
        row_id: the row.
        metric: the rule's.
        wanted: what the row's value would have to be at least, or at most where the metric is better lower.
    """

    row_id: str
    metric: str
    wanted: float


def broken_rules(verdict: Verdict, gate: Gate) -> tuple[Rule, ...]:
    """Returns the rules of a gate that were found broken; where none was, those that could not be shown to hold."""
    said = {each.rule: each.decision for each in verdict.rules}
    for decision in (Decision.FAIL, Decision.INCONCLUSIVE):
        if found := tuple(rule for rule in gate.rules if said.get(str(rule)) is decision):
            return found
    return ()


def failed_rows(
    rules: tuple[Rule, ...], one: Evaluation, other: Evaluation | None, metrics: Mapping[str, Metric]
) -> Iterator[Failed]:
    """Yields the rows that fall short of rules, rule by rule, in the dataset's order.

    A row falls short of a bound where its own value does, of a rule against the champion where it is worse than the
    champion's own; where its metric is 0 or 1, where it is not the better of the two.

    Args:
        rules: of one gate.
        one: the candidate's evaluation.
        other: the champion's on the same rows; None where there is none.
        metrics: every metric of the app, by name.
    """
    for rule in rules:
        metric = metrics[rule.metric]
        if metric.dimension not in ROW_DIMENSIONS or metric.ratio or rule.metric not in one.scores:
            continue
        for row_id, value, wanted in _valued(rule, metric, one, other):
            if value < wanted if metric.direction == "higher" else value > wanted:
                yield Failed(row_id, rule.metric, wanted)


def _valued(
    rule: Rule, metric: Metric, one: Evaluation, other: Evaluation | None
) -> Iterator[tuple[str, float, float]]:
    """Yields row, value and what it would have to be, of the rows that have a value and are meant by the rule."""
    scores = one.scores[rule.metric]
    column, _, wanted_value = (rule.slice or "").partition("=")
    champion = _by_row(other, rule.metric) if rule.against_champion else {}
    for at, (row_id, value) in enumerate(zip(one.rows["row_id"], scores, strict=True)):
        if isnan(value) or (column and str(one.rows[f"slice.{column}"].iloc[at]) != wanted_value):
            continue
        wanted = champion.get(str(row_id)) if rule.against_champion else _wanted(rule, metric)
        if wanted is not None:
            yield str(row_id), float(value), wanted


def _wanted(rule: Rule, metric: Metric) -> float | None:
    if metric.binary:
        return 1.0 if metric.direction == "higher" else 0.0
    return rule.at_least if rule.at_least is not None else rule.at_most


def _by_row(evaluation: Evaluation | None, metric: str) -> dict[str, float]:
    if evaluation is None or metric not in evaluation.scores:
        return {}
    pairs = zip(evaluation.rows["row_id"], evaluation.scores[metric], strict=True)
    return {str(row_id): float(value) for row_id, value in pairs if not isnan(value)}
