"""Bets: never wealth out of nothing, whatever comes; and evidence soon where there is something."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.statistics.betting import log_wealth

SEEDED = np.random.default_rng(11)


def expected_wealth(floor, share, hoped, rows):
    """Returns the exact mean wealth over every sequence of two-valued gains with mean zero."""
    ceiling = floor + 1
    sequences = (np.arange(2**rows)[:, None] >> np.arange(rows)) & 1
    gains = np.where(sequences == 1, ceiling, floor)
    chance = -floor  # of the ceiling: then the mean is zero
    probabilities = np.prod(np.where(sequences == 1, chance, 1 - chance), axis=1)
    return float(probabilities @ np.exp(log_wealth(gains, floor, hoped)[:, -1]))


@pytest.mark.parametrize("floor", [-0.03, -0.25, -0.5, -0.75, -0.97])
@pytest.mark.parametrize("hoped", [0.001, 0.05, 0.4])
def test_where_the_mean_is_zero_no_wealth_is_expected(floor, hoped):
    assert expected_wealth(floor, 0.5, hoped, 10) == pytest.approx(1.0)


@settings(max_examples=50)
@given(st.lists(st.sampled_from([0.0, 0.2, 0.5, 1.0]), min_size=2, max_size=6), st.floats(0.01, 0.5))
def test_drawn_without_replacement_no_wealth_is_expected_either(values, hoped):
    """Over every order in which a set can be drawn, whose mean is the bound itself."""
    from itertools import permutations

    bound = float(np.mean(values))
    if not 0 < bound < 1:
        return
    orders = np.array(list(permutations(values))) - bound
    wealth = log_wealth(orders, -bound, hoped, of=len(values))
    before_last = np.exp(wealth[:, -2]) if len(values) > 1 else np.ones(1)
    assert float(before_last.mean()) == pytest.approx(1.0)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=50), st.floats(0.05, 0.95), st.floats(0.01, 0.5))
def test_wealth_is_never_lost_whole(values, bound, hoped):
    wealth = log_wealth(np.array(values) - bound, -bound, hoped)
    assert np.isfinite(wealth).all()


@given(st.lists(st.floats(0, 1), min_size=2, max_size=30), st.floats(0.05, 0.95))
def test_a_bet_knows_only_what_came_before(values, bound):
    gains = np.array(values) - bound
    assert log_wealth(gains, -bound, 0.1)[:-1] == pytest.approx(log_wealth(gains[:-1], -bound, 0.1))


def test_a_set_whose_rest_cannot_bring_the_mean_down_is_decided():
    gains = np.array([1.0, 1.0, 1.0, 0.0]) - 0.6
    wealth = log_wealth(gains, -0.6, 0.2, of=4)
    assert wealth[2] < np.inf
    assert wealth[3] == np.inf, "after three of four, 0.75 is the least that the mean can be"


@pytest.mark.parametrize(("share", "most"), [(0.0, 120), (0.002, 200)])
def test_a_rare_harm_is_shown_to_be_rare_about_as_soon_as_it_can_be(share, most):
    """Of rows without harm it takes 98 in any case to show that fewer than three in a hundred have it."""
    harms = SEEDED.random((400, 2000)) < share
    wealth = log_wealth(0.03 - harms, -0.97, 0.015)
    assert np.mean(np.argmax(wealth >= np.log(20), axis=1) + 1) <= most
