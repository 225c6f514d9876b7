import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tasks.statistics.quantiles import quantile_interval


def of(values, quantile, confidence=0.95, clusters=None):
    values = np.asarray(values, dtype=float)
    return quantile_interval(values, np.arange(values.size) if clusters is None else clusters, quantile, confidence)


def test_the_median_lies_between_two_values_in_order_as_often_as_said():
    found = of(range(1, 21), 0.5)
    assert (found.value, found.low, found.high) == (10, 6, 15)
    assert stats.binom.cdf(14, 20, 0.5) - stats.binom.cdf(5, 20, 0.5) == pytest.approx(0.9586, abs=1e-4)


def test_an_extreme_quantile_of_few_rows_is_refused():
    found = of(range(20), 0.95)
    assert (found.value, found.low, found.high) == (18, None, None)
    assert found.method == "order statistics, 20 rows are too few"
    assert of(range(100), 0.95).high is not None


def test_rows_of_one_cluster_tell_less():
    values = np.random.default_rng(3).lognormal(0, 0.5, 100)
    clusters = np.argsort(np.argsort(values)) // 5  # alike within each
    apart, together = of(values, 0.5), of(values, 0.5, clusters=clusters)
    assert together.low < apart.low
    assert together.high > apart.high
    assert together.method == "order statistics, 20 clusters"


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60), st.sampled_from([0.1, 0.5, 0.9]))
def test_the_interval_is_of_values_and_holds_the_quantile(values, quantile):
    found = of(values, quantile)
    assert found.value in values
    if found.low is not None:
        assert found.low in values
        assert found.low <= found.value <= found.high


@given(st.integers(8, 400), st.sampled_from([0.25, 0.5, 0.8, 0.95]), st.sampled_from([0.8, 0.95]))
def test_two_values_enclose_it_at_least_as_often_as_said(n, quantile, confidence):
    found = of(range(1, n + 1), quantile, confidence)
    if found.low is not None:
        enclosed = stats.binom.cdf(found.high - 1, n, quantile) - stats.binom.cdf(found.low - 1, n, quantile)
        assert confidence <= enclosed + 1e-12
