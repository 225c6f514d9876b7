"""Checks that gates can be decided at all, before anything is asked."""

from collections.abc import Collection, Iterator, Mapping

from configs.errors import ConfigurationError
from configs.schema.app import App
from configs.schema.gate import Gate, Rule
from tasks.data.row import Dataset
from tasks.scoring.score import Metric


def check_gates(app: App, metrics: Mapping[str, Metric]) -> None:
    """Checks that every rule of both gates names what there is, and that it can be shown to hold.

    Raises:
        ConfigurationError: a rule names a metric or a slice column that the app does not have, or demands what no rows
            can show.
    """
    for where, rule, gate in _rules(app):
        _check_known(where, "metric", rule.metric, metrics, "add its scorer to `scorers`")
        _check_bound(where, rule, gate, metrics[rule.metric])
        if metrics[rule.metric].ratio and (rule.against_champion or rule.quantile is not None):
            raise ConfigurationError(
                f"{where}: {rule.metric} is a ratio of two means, which no row has; set at_least or at_most"
            )
        if rule.slice:
            column = rule.slice.partition("=")[0]
            known = app.datasets.columns.slices
            _check_known(where, "slice column", column, known, "add it to `datasets.columns.slices`")


def check_slices(app: App, dataset: Dataset) -> None:
    """Checks that a dataset has rows of every slice that the rules of the gate before it are about.

    Raises:
        ConfigurationError: a rule is about a slice that no row belongs to.
    """
    gate_name = {"sample": "sample", "full": "release"}.get(dataset.split)
    for where, rule, _ in _rules(app):
        if rule.slice and gate_name and where.startswith(_place(gate_name)):
            column, _, value = rule.slice.partition("=")
            there = {row.slices.get(column, "") for row in dataset.rows} - {""}
            advice = f"add such rows to {dataset.name}"
            _check_known(where, f"value of the slice column {column!r}", value, there, advice)


def _rules(app: App) -> Iterator[tuple[str, Rule, Gate]]:
    for name, gate in (("sample", app.gates.sample), ("release", app.gates.release)):
        for position, rule in enumerate(gate.rules):
            yield f"{_place(name)}.rules.{position}` ({rule})", rule, gate


def _place(gate_name: str) -> str:
    return f"app.yaml key `gates.{gate_name}"


def _check_bound(where: str, rule: Rule, gate: Gate, metric: Metric) -> None:
    """Refuses a bound outside the metric's range, or at its good end, which no sample of a population can show."""
    bound = rule.at_least if rule.at_most is None else rule.at_most
    if bound is None:
        _check_margin(where, rule, metric)
        return
    if bound < metric.low or (metric.high is not None and bound > metric.high):
        high = "no upper end" if metric.high is None else f"{metric.high:g}"
        raise ConfigurationError(f"{where}: found {bound:g}; {rule.metric} goes from {metric.low:g} to {high}")
    if rule.quantile is not None:
        return
    good_end = metric.high if rule.at_most is None else metric.low
    if bound == good_end and gate.target == "population" and metric.high is not None:
        raise ConfigurationError(
            f"{where}: no number of rows shows that of every user; allow a little, such as "
            f"{bound + (0.01 if rule.at_least is None else -0.01) * (metric.high - metric.low):g}, or set the gate's "
            f"`target: this_set`"
        )


def _check_margin(where: str, rule: Rule, metric: Metric) -> None:
    """Refuses a margin that no difference reaches."""
    margin = rule.not_worse_than_champion_by or rule.better_than_champion_by or 0.0
    if metric.high is not None and margin > metric.high - metric.low:
        raise ConfigurationError(
            f"{where}: found {margin:g}; {rule.metric} goes from {metric.low:g} to {metric.high:g}, so that no "
            f"difference is larger than {metric.high - metric.low:g}"
        )


def _check_known(where: str, what: str, name: str, known: Collection[str], advice: str) -> None:
    if name not in known:
        listed = ", ".join(sorted(known)) or "none"
        raise ConfigurationError(f"{where}: unknown {what} {name!r}; known are {listed}; mend the rule or {advice}")
