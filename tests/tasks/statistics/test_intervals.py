import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tasks.statistics.intervals import difference_interval, mean_interval, ratio_interval, wilson

shares = st.lists(st.floats(0, 1, width=32), min_size=1, max_size=40)
levels = st.sampled_from([0.8, 0.9, 0.95, 0.99])


def own(values):
    """Every row its own cluster."""
    return np.arange(len(values))


def of_mean(values, clusters=None, confidence=0.95, high=1.0, exact=False):
    values = np.asarray(values, dtype=float)
    groups = own(values) if clusters is None else np.asarray(clusters)
    return mean_interval(values, groups, confidence, 0.0, high, exact=exact)


def of_difference(values, clusters=None, confidence=0.95, reach=1.0):
    values = np.asarray(values, dtype=float)
    return difference_interval(values, own(values) if clusters is None else np.asarray(clusters), confidence, reach)


@pytest.mark.parametrize(("hits", "n"), [(0, 20), (1, 30), (7, 30), (15, 30), (160, 160)])
@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_shares_have_wilsons_interval(hits, n, confidence):
    expected = stats.binomtest(hits, n).proportion_ci(confidence, method="wilson")
    found = of_mean([1.0] * hits + [0.0] * (n - hits), confidence=confidence)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert found.method == "wilson"


def test_other_values_have_students_interval():
    values = [0.2, 0.5, 0.4, 0.9, 0.55]
    expected = stats.t.interval(0.95, 4, np.mean(values), stats.sem(values))
    assert of_mean(values)[1:3] == pytest.approx(expected)
    times = [10.0, 20.0, 30.0]
    low, high = stats.t.interval(0.95, 2, np.mean(times), stats.sem(times))
    assert of_mean(times, high=None)[1:3] == pytest.approx((max(low, 0), high))


def test_the_clustered_error_is_millers():
    """Computed term by term, pair by pair, as the paper writes it: σ²/n plus the covariances within each cluster."""
    values = np.array([0.1, 0.3, 0.2, 0.9, 0.8, 0.5, 0.45])
    clusters = np.array([0, 0, 0, 1, 1, 2, 2])
    residuals = values - values.mean()
    pairs = sum(residuals[i] * residuals[j] for i in range(7) for j in range(7) if clusters[i] == clusters[j])
    error = np.sqrt(3 / 2 * pairs) / 7
    low, high = stats.t.interval(0.95, 2, values.mean(), error)
    found = of_mean(values, clusters)
    assert (found.low, found.high) == pytest.approx((max(low, 0), min(high, 1)))
    assert found.method == "t, 3 clusters"


def test_repeating_every_row_within_its_cluster_teaches_nothing():
    values = np.array([0.1, 0.4, 0.6, 0.9, 0.3, 0.7])
    once, thrice = of_mean(values), of_mean(np.repeat(values, 3), np.repeat(own(values), 3))
    assert thrice[1:3] == pytest.approx(once[1:3])


def test_clusters_that_cancel_do_not_make_an_estimate_certain():
    values, clusters = [0.2, 0.8] * 10, np.repeat(np.arange(10), 2)
    clustered, independent = of_mean(values, clusters), of_mean(values)
    assert clustered.high - clustered.low >= independent.high - independent.low


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("n", [1, 3, 30])
def test_rows_that_are_all_alike_do_not_claim_certainty(value, n):
    found = of_mean([value] * n)
    assert found.low <= value <= found.high
    assert found.high - found.low > 1 / (n + 4)


def test_a_failure_more_never_narrows_the_interval_from_above():
    rows = np.arange(200)
    failed_once_in = [(rows % 4 == 0) & (rows < 4 * clusters) for clusters in range(20)]
    highs = [of_mean(failed, rows // 4, exact=True).high for failed in failed_once_in]
    assert highs == sorted(highs)


def test_one_cluster_counts_as_one_row():
    assert of_mean([0, 1, 1, 0, 1], [7] * 5).high - of_mean([0, 1, 1, 0, 1], [7] * 5).low > 0.7
    assert of_mean([3.0, 4.0], [7, 7], high=None).high > 100


@pytest.mark.parametrize("n", [1, 3, 30])
def test_times_that_are_all_alike_take_the_interval_of_an_exponential_mean(n):
    found = of_mean([0.5] * n, high=None)
    gamma = stats.gamma(n)
    assert (found.low, found.high) == pytest.approx((0.5 * n / gamma.ppf(0.975), 0.5 * n / gamma.ppf(0.025)))


def test_of_values_that_are_all_nothing_and_know_no_largest_nothing_is_known():
    assert of_mean([0.0] * 5, high=None)[:3] == (0, 0, np.inf)
    assert of_mean([0.0] * 5, high=0.0)[:3] == (0, 0, 0), "the price of a model that is free"


def test_a_few_long_times_move_the_interval_up():
    times = np.random.default_rng(1).lognormal(0, 0.8, 40)
    plain = stats.t.interval(0.95, 39, np.mean(times), stats.sem(times))
    found = of_mean(times, high=None)
    assert found.low > plain[0]
    assert found.high > plain[1]
    assert found.method == "t, skewness removed"


def test_a_ratio_has_fiellers_interval():
    """The ends are where a t test of above − r·below just does not tell it from zero."""
    rng = np.random.default_rng(2)
    above, below = rng.lognormal(0, 0.4, 60), (rng.random(60) < 0.6).astype(float)
    found = ratio_interval(above, below, own(above), 0.95)
    assert found.value == pytest.approx(above.sum() / below.sum())
    for end in (found.low, found.high):
        assert stats.ttest_1samp(above - end * below, 0).pvalue == pytest.approx(0.05)


def test_a_ratio_to_hardly_anything_has_no_upper_end():
    found = ratio_interval(np.ones(10), np.array([1.0] + [0.0] * 9), own(range(10)), 0.95)
    assert (found.value, found.high) == (10, np.inf)
    assert 0 < found.low < 10


@given(shares, levels)
def test_a_mean_lies_in_its_interval_and_the_interval_in_the_range(values, confidence):
    found = of_mean(values, confidence=confidence)
    assert -1e-12 <= found.low <= found.value + 1e-12
    assert found.value - 1e-12 <= found.high <= 1 + 1e-12
    assert found.high > found.low


@given(shares, st.lists(st.integers(0, 3), min_size=40, max_size=40))
def test_more_confidence_is_a_wider_interval_and_order_does_not_matter(values, clusters):
    clusters = clusters[: len(values)]
    narrow, wide = of_mean(values, clusters, 0.8), of_mean(values, clusters, 0.99)
    assert wide.low <= narrow.low + 1e-12
    assert wide.high >= narrow.high - 1e-12
    assert of_mean(values[::-1], clusters[::-1], 0.8)[:3] == pytest.approx(narrow[:3])


@given(st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=40), levels)
def test_swapping_sides_mirrors_a_difference(values, confidence):
    found, mirrored = (
        of_difference(values, confidence=confidence),
        of_difference([-v for v in values], confidence=confidence),
    )
    assert (found.low, found.high) == pytest.approx((-mirrored.high, -mirrored.low), abs=1e-9)
    assert -1 - 1e-12 <= found.low <= found.value + 1e-12
    assert found.value - 1e-12 <= found.high <= 1 + 1e-12


def test_differences_of_scores_have_the_paired_t_interval():
    one, other = np.array([0.2, 0.9, 0.4, 0.8, 0.5]), np.array([0.1, 0.7, 0.5, 0.3, 0.35])
    expected = stats.ttest_rel(one, other).confidence_interval(0.95)
    assert of_difference(one - other)[1:3] == pytest.approx((expected.low, expected.high))


def test_without_a_discordant_pair_a_difference_is_as_uncertain_as_an_unseen_failure():
    found = of_difference([0.0] * 40)
    assert found.high == pytest.approx(wilson(0, 40, stats.norm.ppf(0.975))[1])
    assert found.low == -found.high


def test_a_loss_more_never_raises_the_lower_end():
    lows = [of_difference([-1.0] * losses + [0.0] * (200 - losses)).low for losses in range(20)]
    assert lows == sorted(lows, reverse=True)


def test_of_unbounded_differences_that_are_all_alike_nothing_is_known():
    assert of_difference([0.5] * 4, reach=None)[:3] == (0.5, -np.inf, np.inf)
    assert of_difference([0.1, 0.2, 0.4], clusters=[1, 1, 1], reach=None)[1:3] == (-np.inf, np.inf), "one cluster"
    assert of_difference([0.0] * 4, reach=0.0)[:3] == (0, 0, 0), "both are free"


def wrong(draw, clusters, bound, gates=400, **how):
    """Returns how often the lower end of a 90 % interval passes the truth."""
    random = np.random.default_rng(8)
    found = (mean_interval(draw(random), clusters, 0.9, 0.0, 1.0, **how).low for _ in range(gates))
    return sum(low >= bound for low in found) / gates


def test_clusters_whose_rows_agree_are_as_many_observations_as_clusters():
    clusters = np.repeat(np.arange(10), 20)
    assert wrong(lambda random: np.repeat(random.random(10) < 0.9, 20).astype(float), clusters, 0.9, exact=True) < 0.08


def test_one_large_cluster_among_small_ones_is_one_observation():
    clusters = np.concatenate([np.arange(20), np.full(100, 20)])
    sizes = np.bincount(clusters)
    assert (
        wrong(lambda random: np.repeat(random.random(21) < 0.7, sizes).astype(float), clusters, 0.7, exact=True) < 0.08
    )


@pytest.mark.parametrize(("bound", "n"), [(0.95, 20), (0.97, 90), (0.8, 20), (0.5, 40)])
def test_an_exact_end_is_wrong_no_more_often_than_it_says(bound, n):
    chance = stats.binom(n, bound).pmf(np.arange(n + 1))
    lows = [of_mean([1.0] * hits + [0.0] * (n - hits), confidence=0.9, exact=True).low for hits in range(n + 1)]
    assert sum(chance[hits] for hits in range(n + 1) if lows[hits] >= bound) <= 0.05


@pytest.mark.parametrize(("share", "n"), [(0.05, 40), (0.5, 40), (0.9, 160)])
def test_shares_in_clusters_are_covered_as_often_as_promised(share, n):
    """Rows of a cluster agree with probability ρ = 0.3; 2,000 draws put the standard error at half a point."""
    random = np.random.default_rng(7)
    clusters = np.repeat(np.arange(n // 4), 4)
    covered = 0
    for _ in range(2_000):
        shared = random.random(n // 4) < share
        values = np.where(random.random(n) < np.sqrt(0.3), shared[clusters], random.random(n) < share)
        found = of_mean(values.astype(float), clusters)
        covered += found.low <= share <= found.high
    assert covered / 2_000 > 0.93


@pytest.mark.parametrize(("gain", "loss"), [(0.02, 0.02), (0.2, 0.1), (0.05, 0.0)])
def test_paired_differences_are_covered_as_often_as_promised(gain, loss):
    random = np.random.default_rng(7)
    draws = random.choice([1.0, -1.0, 0.0], p=[gain, loss, 1 - gain - loss], size=(2_000, 60))
    covered = sum(found.low <= gain - loss <= found.high for found in map(of_difference, draws))
    assert covered / 2_000 > 0.93
