import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from tasks.statistics.holm import rejected


def at_levels(values):
    return [lambda level, p=p: p <= level for p in values]


@given(st.lists(st.floats(0, 1), max_size=12), st.floats(0.01, 0.2))
def test_a_hypothesis_is_rejected_if_its_adjusted_p_value_is_at_the_level(values, error):
    order = sorted(range(len(values)), key=lambda at: values[at])
    adjusted = [
        max(values[each] * (len(values) - k) for k, each in enumerate(order[: at + 1])) for at in range(len(order))
    ]
    expected = {each for at, each in enumerate(order) if adjusted[at] <= error}
    # A p-value that is a share of the level to the last digit may fall either way.
    on_the_edge = any(abs(each - error) < 1e-9 for each in adjusted)
    assert on_the_edge or rejected(at_levels(values), error) == expected


@pytest.mark.parametrize("values", [[0.01, 0.04, 0.03, 0.005], [0.02, 0.04], [0.03, 0.04], [0.001, 0.02, 0.02, 0.5]])
def test_the_steps_are_those_of_statsmodels(values):
    expected = multipletests(values, alpha=0.05, method="holm")[0]
    assert rejected(at_levels(values), 0.05) == {at for at, is_rejected in enumerate(expected) if is_rejected}
