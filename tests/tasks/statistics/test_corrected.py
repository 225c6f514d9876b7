"""A judge's mean is corrected by enough labels of people's, and only by enough of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.scoring.score import Metric
from tasks.statistics.corrected import corrected_mean, people_column, with_people
from tasks.statistics.estimates import estimate_all
from tasks.statistics.measured import Measured

RELEVANCE = Metric("relevance", "quality", "higher", "1", "How relevant.", 1.0, 5.0)


def rows(scores, clusters=None):
    scores = np.asarray(scores, np.float64)
    clusters = np.arange(scores.size) if clusters is None else np.asarray(clusters)
    return Measured(scores, np.ones(scores.size, dtype=bool), clusters.astype(np.uint64), 1.0, 5.0)


def some(labels, count):
    """The first labels; of the others nobody has said anything."""
    return np.where(np.arange(len(labels)) < count, np.asarray(labels, np.float64), np.nan)


TRUE = np.arange(200) * 7 % 3 + 2.0  # 2, 3, 4


def test_what_the_judge_gets_wrong_everywhere_is_taken_out():
    found = corrected_mean(rows(TRUE + 1), some(TRUE, 40), 0.95)
    assert found.method == "prediction-powered, 40 labels"
    assert found.low < TRUE.mean() < found.high < (TRUE + 1).mean()
    assert found.gain > 3


@pytest.mark.parametrize("count", [0, 19])
def test_too_few_labels_correct_nothing(count):
    assert corrected_mean(rows(TRUE), some(TRUE, count), 0.95) is None


def test_labels_of_a_few_things_only_correct_nothing():
    assert corrected_mean(rows(TRUE, np.arange(200) // 10), some(TRUE, 40), 0.95) is None
    assert corrected_mean(rows(TRUE, np.arange(200) // 10), some(TRUE, 50), 0.95) is not None


def test_labels_of_rows_without_a_score_do_not_count():
    scores = np.where(np.arange(200) < 10, np.nan, TRUE)
    assert corrected_mean(rows(scores), some(TRUE, 29), 0.95) is None
    assert corrected_mean(rows(scores), some(TRUE, 30), 0.95).method == "prediction-powered, 20 labels"


def test_labels_that_are_all_alike_are_no_certainty():
    found = corrected_mean(rows(np.full(200, 5.0)), some(np.full(200, 5.0), 20), 0.95)
    assert found.method == "people's 20 labels alone, wilson"
    assert found.low < 4.5
    assert (found.value, found.high) == (5.0, 5.0)


def test_labels_of_every_row_need_no_judge():
    found = corrected_mean(rows(6 - TRUE), TRUE, 0.95)
    assert found.value == pytest.approx(TRUE.mean())
    assert found.method.startswith("people's 200 labels alone")


@given(
    st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), min_size=21, max_size=60), st.integers(20, 60), st.data()
)
def test_it_stays_in_the_metrics_range_and_in_its_own_interval(pairs, count, data):
    human, judged = (np.array(column, np.float64) for column in zip(*pairs, strict=True))
    clusters = data.draw(st.lists(st.integers(0, 15), min_size=human.size, max_size=human.size))
    found = corrected_mean(rows(judged, clusters), some(human, count), 0.95)
    if found is not None:
        assert 1 <= found.low <= found.value <= found.high <= 5


def test_clusters_widen_the_interval():
    effects = np.repeat(np.arange(20) % 3 - 1.0, 10)
    spread = np.random.default_rng(1).permutation(200)
    labels = np.full(200, np.nan)
    labels[spread[:80]] = (3 + effects)[spread[:80]]
    judged = rows(np.full(200, 3.0) + (np.arange(200) % 2))
    wide = corrected_mean(judged._replace(clusters=np.repeat(np.arange(20), 10).astype(np.uint64)), labels, 0.95)
    narrow = corrected_mean(judged, labels, 0.95)
    assert wide.high - wide.low > 1.5 * (narrow.high - narrow.low)


@pytest.fixture
def labelled(evaluate):
    """An evaluation whose judge is a point too kind, with so many of people's labels, and its estimates."""

    def make(count, available=0, **options):
        found = evaluate({"relevance": list(TRUE + 1)}, **options)
        found.scores[people_column("relevance")] = some(TRUE, count)
        estimates = estimate_all(found.rows, found.scores, {"relevance": RELEVANCE}, 0.95, ["kind"])
        object.__setattr__(found, "estimates", estimates)
        object.__setattr__(found, "available", available)
        return with_people(found, {"relevance": RELEVANCE})

    return make


def test_an_estimate_says_what_the_judge_alone_would_have_said(labelled):
    estimate = labelled(40).estimate("relevance")
    assert estimate.method == "prediction-powered, 40 labels"
    assert estimate.value < estimate.judge_alone == pytest.approx((TRUE + 1).mean())
    assert (estimate.n, estimate.coverage) == (200, 1.0)


def test_a_slice_is_corrected_by_its_own_labels(labelled):
    kinds = ["labelled" if number < 100 else "not" for number in range(200)]
    by_slice = {each.slice: each.method for each in labelled(40, kinds=kinds).estimates}
    assert by_slice == {None: "prediction-powered, 40 labels", "kind=labelled": "prediction-powered, 40 labels"} | {
        "kind=not": "t"
    }


def test_after_an_early_stop_the_interval_that_holds_at_any_time_stays(labelled):
    assert labelled(40, available=300).estimate("relevance").judge_alone is None
