import pytest
from scipy import stats

from tasks.calling.answer import Outcome
from tasks.scoring.catalogue import SCORERS
from tasks.scoring.usage import USAGE_METRICS
from tasks.statistics.estimates import estimate_all, estimate_metric, paired_difference

EXACT, F1 = SCORERS["exact"].metric, SCORERS["token_f1"].metric


def test_a_mean_stands_on_scored_rows_and_coverage_says_what_is_missing(evaluate):
    found = evaluate({"exact": [1, 1, 0, 1, None, None, Outcome.APP_ERROR, Outcome.SCORER_ERROR, Outcome.SKIPPED, 0]})
    estimate = estimate_metric(found.rows, found.scores, EXACT, 0.95)
    assert estimate.value == 3 / 5
    assert estimate.n == 5
    assert estimate.coverage == 5 / 8, "rows that it does not apply to count on neither side"
    assert estimate.low < 3 / 5 < estimate.high


@pytest.mark.parametrize("value", [None, Outcome.APP_ERROR])
def test_without_a_scored_row_there_is_no_number(evaluate, value):
    found = evaluate({"exact": [value, value]})
    estimate = estimate_metric(found.rows, found.scores, EXACT, 0.95)
    assert (estimate.value, estimate.low, estimate.high, estimate.n, estimate.coverage) == (None, None, None, 0, 0)
    assert str(estimate) == "exact: no row scored"


def test_rows_of_one_cluster_are_not_independent(evaluate):
    values = {"exact": [1, 1, 1, 1, 0, 0, 0, 0]}
    apart = evaluate(values)
    together = evaluate(values, clusters=list("aaaabbbb"))
    wide = estimate_metric(together.rows, together.scores, EXACT, 0.95)
    narrow = estimate_metric(apart.rows, apart.scores, EXACT, 0.95)
    assert wide.high - wide.low > narrow.high - narrow.low
    assert wide.method == "wilson, 2 clusters"


def test_all_metrics_are_estimated_over_all_rows_then_by_slice(evaluate):
    found = evaluate({"exact": [1, 0, 1, 1]}, kinds=["가격", "가격", "weight", ""], seconds=[1, 2, 3, 4])
    metrics = {"exact": EXACT, "latency_total": USAGE_METRICS["latency_total"]}
    estimates = estimate_all(found.rows, found.scores, metrics, 0.9, ["kind"])
    means = [each for each in estimates if each.quantile is None]
    assert [(each.metric, each.slice, each.value, each.n) for each in means] == [
        ("exact", None, 0.75, 4),
        ("latency_total", None, 2.5, 4),
        ("exact", "kind=weight", 1, 1),
        ("latency_total", "kind=weight", 3, 1),
        ("exact", "kind=가격", 0.5, 2),
        ("latency_total", "kind=가격", 1.5, 2),
    ]
    assert all(each.low <= each.value <= each.high for each in means)
    quantiles = [each.quantile for each in estimates if (each.metric, each.slice) == ("latency_total", None)]
    assert quantiles == [None, 0.5, 0.95, 0.99]


def test_estimates_are_the_same_every_time(evaluate):
    found = evaluate({"exact": [1, 0, 1, 1]})
    once, again = (estimate_all(found.rows, found.scores, {"exact": EXACT}, 0.95) for _ in range(2))
    assert once == again


def test_a_difference_is_paired_by_row_whatever_the_order(evaluate):
    values = [0.2, 0.9, 0.4, 0.8, 0.5]
    others = [0.1, 0.7, 0.5, 0.3, 0.35]
    candidate = evaluate({"token_f1": values})
    champion = evaluate({"token_f1": others[::-1]}, model="two", ids=["r4", "r3", "r2", "r1", "r0"])
    found = paired_difference(candidate, champion, F1, 0.95)
    expected = stats.ttest_rel(values, others).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert (found.n, found.coverage, found.method) == (5, 1, "paired t")


def test_only_rows_that_both_scored_are_paired(evaluate):
    candidate = evaluate({"exact": [1, Outcome.APP_ERROR, 1, None, 1]})
    champion = evaluate({"exact": [0, 1, Outcome.SKIPPED, None, 0]}, model="two")
    found = paired_difference(candidate, champion, EXACT, 0.95)
    assert (found.value, found.n, found.coverage) == (1, 2, 0.5)


def test_a_difference_may_be_of_one_slice(evaluate):
    kinds = ["a", "a", "b"]
    found = paired_difference(
        evaluate({"exact": [1, 0, 0]}, kinds=kinds),
        evaluate({"exact": [0, 0, 1]}, "two", kinds=kinds),
        EXACT,
        0.9,
        "kind=a",
    )
    assert (found.value, found.n, found.slice) == (0.5, 2, "kind=a")


def test_the_same_candidate_differs_by_exactly_nothing(evaluate):
    found = paired_difference(evaluate({"exact": [1, 0]}), evaluate({"exact": [1, 0]}), EXACT, 0.95)
    assert (found.value, found.low, found.high, found.method) == (0, 0, 0, "identical")


def test_the_same_candidate_in_another_epoch_is_measured(evaluate):
    found = paired_difference(evaluate({"exact": [1, 0]}), evaluate({"exact": [1, 0]}, epoch="next"), EXACT, 0.95)
    assert found.low < 0 < found.high


def test_a_slice_that_no_row_has_gives_no_number(evaluate):
    found = evaluate({"exact": [1, 0]})
    assert estimate_metric(found.rows, found.scores, EXACT, 0.95, "kind=none").n == 0
    assert estimate_metric(found.rows, found.scores, EXACT, 0.95, "colour=red").n == 0
