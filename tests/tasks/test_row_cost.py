import pytest

from tasks.row_cost import RowCost, row_cost


def test_a_row_costs_what_its_answers_cost_on_every_side(evaluate):
    one, other = evaluate({"exact": [1, 1]}, seconds=[1, 3]), evaluate({"exact": [1, 0]}, "two", seconds=[4, 4])
    one.rows["price"] = [0.1, 0.3]
    cost = row_cost(one, other)
    assert cost == RowCost(pytest.approx(0.2), pytest.approx(6.0))
    assert cost.times(10) == RowCost(pytest.approx(2.0), pytest.approx(60.0))


def test_what_was_not_measured_on_one_side_is_not_known(evaluate):
    one, other = evaluate({"exact": [1, 1]}), evaluate({"exact": [1, 0]}, "two")
    other.rows["price"] = float("nan")
    cost = row_cost(one, other)
    assert cost.price is None
    assert cost.times(10).seconds == pytest.approx(20)
