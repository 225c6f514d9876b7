"""Sample sizes: against statsmodels where it is looked at once, against the arithmetic of bets where it is not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.power import NormalIndPower, TTestPower

from tasks.statistics.planning import (
    Spread,
    design_effect,
    discordant,
    fixed_rows,
    rows_of_difference,
    rows_of_mean,
)


@given(st.floats(0.01, 2), st.floats(0.01, 0.5), st.floats(0.01, 0.2), st.floats(0.6, 0.99))
def test_rows_at_once_are_the_fewest_with_which_the_normal_test_has_the_power(deviation, distance, error, power):
    rows = fixed_rows(deviation**2, distance, error, power)

    def has(n):
        test = NormalIndPower(ddof=0)
        return test.power(distance / deviation, n, error, ratio=0, alternative="larger")

    assert has(rows) >= power - 1e-6
    assert rows == 1 or has(rows - 1) < power + 1e-6


@pytest.mark.parametrize("effect", [0.05, 0.1, 0.3, 0.5])
def test_the_t_test_takes_two_rows_more_at_most(effect):
    exact = TTestPower().solve_power(effect, alpha=0.05, power=0.9, alternative="larger")
    assert 0 <= np.ceil(exact) - fixed_rows(1, effect, 0.05, 0.9) <= 2


@pytest.mark.parametrize(("share", "rows"), [(0.1, 952), (0.3, 2855)])
def test_a_share_of_discordant_rows_gives_the_variance(share, rows):
    assert fixed_rows(discordant(share, 1.0).variance(0), 0.03, 0.05, 0.9) == rows


def test_a_rate_spreads_otherwise_on_its_bound_than_where_it_is():
    """Without a single case in n rows, 1 - (1 - 0.03)^n is how sure one is of less than 3 %: 99 rows for 95 %."""
    assert fixed_rows(0.0, 0.03, 0.05, 0.9, at_bound=0.03 * 0.97) == pytest.approx(99, abs=12)


@given(st.floats(0.05, 1), st.floats(-0.9, 0.9))
def test_draws_have_the_mean_and_the_variance_that_were_asked_for(share, part):
    spread = discordant(share, 1.0)
    mean = part * float(spread.sizes.mean())
    assert spread.reaches(mean)
    draws = spread.draws(mean, 50, 4000)
    assert set(np.unique(draws)) <= {-1.0, 0.0, 1.0}
    assert draws.mean() == pytest.approx(mean, abs=5 * (share / draws.size) ** 0.5)
    assert draws.var() == pytest.approx(spread.variance(mean), abs=0.02)


def test_a_mean_beyond_the_sizes_cannot_be():
    assert not discordant(0.1, 1.0).reaches(0.2)
    assert not Spread(np.zeros(5), 1.0).reaches(0.01)


@pytest.mark.parametrize(("inside", "most"), [(1, 1.1), (2, 0.26), (3, 0.12)])
@pytest.mark.parametrize(("share", "fixed"), [(0.1, 952), (0.3, 2855)])
def test_a_sequential_gate_takes_fewer_rows_the_better_the_candidate_is(share, fixed, inside, most):
    spread, mean = discordant(share, 1.0), 0.03 * (inside - 1)
    at_once = fixed_rows(spread.variance(mean), 0.03 * inside, 0.05, 0.9)
    found = rows_of_difference(spread, mean, -0.03, (0.03,), 0.05, at_once)
    assert found.mean <= most * fixed
    assert found.mean < found.nine_in_ten
    assert rows_of_difference(spread, mean, -0.03, (0.03,), 0.05, at_once) == found, "it is seeded"


def test_values_without_an_end_are_planned_as_the_gate_looks_at_them():
    seconds = np.random.default_rng(1).exponential(2.0, 200)
    at_once = fixed_rows(float(seconds.var()), 5 - float(seconds.mean()), 0.05, 0.9)
    found = rows_of_mean(-seconds, -np.inf, 0.0, -5.0, (2.5,), 0.05, at_once)
    assert 20 <= found.mean <= 60


def test_what_takes_too_many_rows_is_not_simulated():
    assert rows_of_difference(discordant(0.1, 1.0), 0.001, 0.0, (0.001,), 0.05, 700_000) is None


def test_rows_of_clusters_that_are_all_alike_are_worth_one_each():
    values, clusters = np.repeat([0.0, 1.0] * 20, 5), np.repeat(np.arange(40), 5)
    assert design_effect(values, clusters) == pytest.approx(5, rel=0.05)
    assert design_effect(values, np.arange(200)) == 1.0
    assert design_effect(values, np.zeros(200)) == 1.0
    assert design_effect(np.ones(200), clusters) == 1.0


@given(st.lists(st.floats(0, 1), min_size=2, max_size=60), st.integers(1, 5))
def test_clusters_never_make_it_fewer_rows(values, size):
    assert design_effect(np.array(values), np.arange(len(values)) // size) >= 1.0
