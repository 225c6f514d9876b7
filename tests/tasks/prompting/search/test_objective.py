"""What a search makes high, and what it pays for."""

import math

import pytest

from configs.schema.augment import SearchPrompt
from configs.schema.gate import Rule
from tasks.prompting.search.objective import Objective, objective_of
from tasks.scoring.score import Metric

METRICS = {
    "contains": Metric("contains", "quality", "higher", "1", ""),
    "over_refusal": Metric("over_refusal", "harm", "lower", "1", ""),
    "latency_total": Metric("latency_total", "latency", "lower", "1", "", high=None),
}
DEMANDS = (Rule(metric="contains", at_least=0.5), Rule(metric="over_refusal", at_most=0.3))


def objective(penalty=1.0, **weights):
    return Objective(weights or {"contains": 1.0}, DEMANDS, penalty, METRICS)


def test_a_metric_bought_with_refusals_is_worth_less_than_one_that_keeps_the_bounds():
    honest, gamed = {"contains": 0.6, "over_refusal": 0.2}, {"contains": 0.65, "over_refusal": 0.8}
    assert objective().of(honest.get) == pytest.approx(0.6)
    assert objective().of(gamed.get) == pytest.approx(0.65 - 0.5)
    assert objective(penalty=0.0).of(gamed.get) > objective(penalty=0.0).of(honest.get)


def test_weights_count_in_a_metrics_own_direction():
    value = {"contains": 0.6, "over_refusal": 0.2}.get
    assert objective(contains=2.0, over_refusal=0.5).of(value) == pytest.approx(1.2 - 0.1)


def test_a_metric_without_a_value_is_its_worst():
    assert objective(over_refusal=1.0).of({"contains": 0.5}.get) == pytest.approx(-1.0 - 0.7)
    assert objective(latency_total=1.0).of({"contains": 0.5}.get) == -math.inf


def test_one_answer_is_worth_what_it_has_of_all_that_counts():
    assert objective().of_row({"contains": 1.0, "over_refusal": 0.0}.get) == 1.0
    assert objective().of_row({"contains": 1.0, "over_refusal": 1.0}.get) == pytest.approx(0.5)
    assert objective().of_row({"over_refusal": 0.0}.get) == 1.0
    assert objective(latency_total=1.0, contains=1.0).of_row({"latency_total": 3.0}.get) == 0.0


def test_demands_are_the_sample_gates_bounds_on_all_rows_of_metrics_with_two_ends(make_app):
    loaded = make_app("http://127.0.0.1:9/v1")
    rules = [*DEMANDS, Rule(metric="latency_total", at_most=5), Rule(metric="contains", slice="kind=a", at_least=0.9)]
    rules.append(Rule(metric="contains", not_worse_than_champion_by=0.1))
    gate = loaded.app.gates.sample.model_copy(update={"rules": tuple(rules)})
    app = loaded.app.model_copy(update={"gates": loaded.app.gates.model_copy(update={"sample": gate})})
    found = objective_of(app, SearchPrompt(kind="search_prompt", name="tuned"), METRICS)
    assert (found.demands, dict(found.weights)) == (DEMANDS, {"exact": 1.0})
