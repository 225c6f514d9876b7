"""pass@k and pass^k against their definition: every k of the answers is drawn, and counted."""

from itertools import combinations
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.calling.answer import Outcome
from tasks.scoring.score import Metric, Passes
from tasks.statistics.estimates import estimate_all, estimate_metric, paired_difference
from tasks.statistics.repeats import pass_at_k, pass_hat_k

EXACT = Metric("exact", "quality", "higher", "1", "", binary=True)
LOST = Outcome.APP_ERROR
ANSWERS = st.lists(st.booleans(), min_size=1, max_size=9)


def counted(answers, k):
    """Returns answers and how many are right, as the estimators take them."""
    return np.array([float(len(answers))]), np.array([float(sum(answers))]), k


@given(ANSWERS, st.data())
def test_they_are_the_shares_of_all_draws(answers, data):
    k = data.draw(st.integers(1, len(answers)))
    draws = list(combinations(answers, k))
    assert pass_at_k(*counted(answers, k)) == pytest.approx([sum(map(any, draws)) / len(draws)])
    assert pass_hat_k(*counted(answers, k)) == pytest.approx([sum(map(all, draws)) / len(draws)])


@given(ANSWERS)
def test_of_one_answer_both_are_the_mean(answers):
    mean = sum(answers) / len(answers)
    assert pass_at_k(*counted(answers, 1)) == pytest.approx([mean])
    assert pass_hat_k(*counted(answers, 1)) == pytest.approx([mean])


@given(st.lists(st.booleans(), min_size=1, max_size=100))
def test_more_answers_hold_a_right_one_more_often_and_only_right_ones_less_often(answers):
    tries = range(1, len(answers) + 1)
    some = np.concatenate([pass_at_k(*counted(answers, k)) for k in tries])
    every = np.concatenate([pass_hat_k(*counted(answers, k)) for k in tries])
    assert np.all((some >= 0) & (some <= 1) & (every >= 0) & (every <= 1))
    assert np.all(np.diff(some) >= -1e-12)
    assert np.all(np.diff(every) <= 1e-12)
    assert (some[-1], every[-1]) == (any(answers), all(answers))


@given(st.floats(0.05, 0.95), st.integers(1, 6), st.integers(0, 6))
def test_they_are_unbiased(probability, k, more):
    n = k + more
    right = np.arange(n + 1.0)
    chance = np.array([comb(n, c) * probability**c * (1 - probability) ** (n - c) for c in range(n + 1)])
    answers = np.full(n + 1, float(n))
    assert chance @ pass_at_k(answers, right, k) == pytest.approx(1 - (1 - probability) ** k)
    assert chance @ pass_hat_k(answers, right, k) == pytest.approx(probability**k)


def test_of_fewer_answers_nothing_is_known():
    assert np.isnan(pass_at_k(*counted([True], 2))).all()
    assert np.isnan(pass_hat_k(*counted([], 1))).all()


def passing(k, *, every=False):
    return Metric("passing", "quality", "higher", "1", "", passes=Passes("exact", k, every))


@pytest.fixture
def asked(evaluate):
    """Makes an evaluation of the answers to each row, asked round after round."""

    def make(answers, **about):
        places = [(row, repeat) for repeat in range(len(answers[0])) for row in range(len(answers))]
        return evaluate(
            {"exact": [answers[row][repeat] for row, repeat in places]},
            ids=[f"r{row}#{repeat + 1}" if repeat else f"r{row}" for row, repeat in places],
            clusters=[f"r{row}" for row, _ in places],
            kinds=["odd" if row % 2 else "even" for row, _ in places],
            repeats=[repeat for _, repeat in places],
            **about,
        )

    return make


def of(evaluation, metric):
    return estimate_metric(evaluation.rows, evaluation.scores, metric, 0.95)


def test_a_metric_of_several_answers_has_one_value_a_row(asked):
    found = asked([[1, 0, 1], [0, 0, 0], [1, 1, 1], [0, 0, 1]])
    metrics = {"exact": EXACT, "passing": passing(2)}
    estimates = estimate_all(found.rows, found.scores, metrics, 0.95, ["kind"])
    by = {(each.metric, each.slice): each for each in estimates}
    assert (by["exact", None].n, by["exact", None].value) == (12, 0.5)
    assert (by["passing", None].n, by["passing", None].coverage) == (4, 1)
    assert by["passing", None].value == pytest.approx((1 + 0 + 1 + 2 / 3) / 4)
    assert (by["passing", "kind=even"].n, by["passing", "kind=even"].value) == (2, 1)
    assert of(found, passing(2, every=True)).value == pytest.approx((1 / 3 + 0 + 1 + 0) / 4)


def test_the_answers_to_one_row_are_one_observation(asked):
    found = asked([[1, 1, 1], [0, 0, 0], [1, 1, 1], [0, 0, 0]])
    once = asked([[1], [0], [1], [0]])
    assert of(found, EXACT).method == "wilson, 4 clusters"
    assert of(found, EXACT).high - of(found, EXACT).low >= of(once, EXACT).high - of(once, EXACT).low


def test_answers_that_failed_count_on_neither_side_and_too_few_are_no_value(asked):
    estimate = of(asked([[1, LOST, 0], [1, LOST, LOST], [None, None, None]]), passing(2))
    assert (estimate.n, estimate.value, estimate.coverage) == (1, 1, 0.5)


def test_two_evaluations_are_compared_row_by_row(asked):
    mine, theirs = asked([[1, 1], [0, 1], [0, 0]]), asked([[0, 1], [0, 0], [0, 0]], model="other")
    difference = paired_difference(mine, theirs, passing(2), 0.95)
    assert (difference.n, difference.value) == (3, pytest.approx(1 / 3))


def test_a_row_that_was_asked_once_has_the_pass_of_one(evaluate):
    assert of(evaluate({"exact": [1, 0, 0, 1]}), passing(1)).value == 0.5
