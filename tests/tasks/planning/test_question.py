"""What one rule takes, by what was measured."""

import pytest

from configs.schema.gate import Rule
from tasks.planning.known import Known
from tasks.planning.plan import Assumptions
from tasks.planning.question import question
from tasks.row_cost import RowCost
from tasks.scoring.catalogue import SCORERS
from tasks.scoring.score import Metric
from tasks.scoring.usage import USAGE_METRICS
from tasks.statistics.planning import fixed_rows

PRICE_OF_RIGHT = Metric("price_of_right", "cost", "lower", "1", "", high=None, unit="USD", ratio=("price", "exact"))
METRICS = {"exact": SCORERS["exact"].metric, "price_of_right": PRICE_OF_RIGHT} | USAGE_METRICS
SURE = Assumptions(0.9, 0.95, 0.2)
DATA = {"sample": 40, "full": 10_000}


def asked(rule, one, other=None):
    known = Known(one, other, RowCost(0.01, 1.0), DATA, METRICS)
    return question(Rule(**rule), METRICS[rule["metric"]], known, SURE)


def test_a_ratio_is_planned_as_the_gate_decides_it(evaluate):
    one = evaluate({"exact": [1, 0] * 50})
    one.rows["price"] = [0.01, 0.02] * 50
    found = asked({"metric": "price_of_right", "at_most": 0.05}, one)
    assert found.basis == "100 rows measured, ratio 0.03"
    assert found.scenarios[0].truth == "as measured, so that it holds"
    # price - 0.05 exact is -0.04 or 0.02: its mean is -0.01 and its deviation 0.03.
    assert found.scenarios[0].at_once.rows == fixed_rows(0.03**2, 0.01, 0.05, 0.9) == 78


def test_rows_of_one_slice_take_as_many_more_rows_of_the_data(evaluate):
    one = evaluate({"exact": [1, 1, 0, 1] * 50}, kinds=["easy", "hard"] * 100)
    rule = {"metric": "exact", "at_least": 0.9, "slice": "kind=hard"}
    whole, part = asked({**rule, "slice": None}, one), asked(rule, one)
    assert part.scenarios[0].truth == "as measured, so that it holds"
    assert whole.scenarios[0].truth == "as measured, so that it is broken"
    assert part.basis == "100 rows measured, mean 1"
    assert part.scenarios[0].at_once.rows % 2 == 0


def test_clusters_that_differ_as_one_make_it_more_rows(evaluate):
    same = [value for value in (1, 0, 0, 0) * 10 for _ in range(5)]
    clusters = [f"c{at // 5}" for at in range(200)]
    one, other = evaluate({"exact": same}, clusters=clusters), evaluate({"exact": [0] * 200}, "two", clusters=clusters)
    rule = {"metric": "exact", "not_worse_than_champion_by": 0.05}
    clustered = asked(rule, one, other)
    alone = asked(rule, evaluate({"exact": same}), evaluate({"exact": [0] * 200}, "two"))
    assert (alone.design_effect, clustered.design_effect) == (1.0, pytest.approx(5, rel=0.1))
    rows = [each.scenarios[0].at_once.rows for each in (alone, clustered)]
    assert rows[1] == pytest.approx(rows[0] * clustered.design_effect, abs=1)
    assert clustered.basis == "200 pairs measured, 25% of them differ"


def test_what_rows_cost_and_where_they_are(evaluate):
    one, other = evaluate({"exact": [1, 0] * 50}), evaluate({"exact": [0, 1] * 50}, "two")
    first = asked({"metric": "exact", "not_worse_than_champion_by": 0.1}, one, other).scenarios[0].at_once
    assert (first.price, first.seconds) == (pytest.approx(first.rows * 0.01), pytest.approx(first.rows))
    assert first.in_data == ("full",)


def test_candidates_that_never_differ_are_planned_by_assumption(evaluate):
    one, other = evaluate({"exact": [1] * 50}), evaluate({"exact": [1] * 50}, "two")
    assert asked({"metric": "exact", "not_worse_than_champion_by": 0.1}, one, other).basis.startswith("assumed: 20%")


def test_a_mean_on_its_bound_is_settled_by_no_number_of_rows(evaluate):
    found = asked({"metric": "exact", "at_least": 0.5}, evaluate({"exact": [1, 0] * 20}))
    assert (found.scenarios, found.note) == ((), "the mean is on the bound itself: no number of rows settles that")


def test_a_bound_outside_the_range_needs_one_row(evaluate):
    one = evaluate({"exact": [1] * 20})
    one.rows["price"] = [0.0] * 20  # of a model that costs nothing: no price is above 0, let alone on the bound
    found = asked({"metric": "price", "at_most": 0.01}, one)
    assert [scenario.truth for scenario in found.scenarios] == ["as measured, so that it holds"]
    assert found.scenarios[0].at_once.rows == 1


def test_of_times_no_fewer_than_thirty_rows_are_planned(evaluate):
    """Fewer decide nothing, however far the mean is from its bound."""
    found = evaluate({"exact": [1.0] * 40}, seconds=[1.0, 1.1] * 20)
    (scenario,) = asked({"metric": "latency_total", "at_most": 5}, found).scenarios
    assert scenario.at_once.rows == 30
