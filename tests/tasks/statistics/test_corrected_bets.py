"""Bets on people's mean: whatever the judge is like they are right, and a good one makes them narrower."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.statistics.anytime import design_of, drawn, highest, lowest
from tasks.statistics.corrected_bets import corrected_bounds
from tasks.statistics.measured import Measured

GUESSES = (1.0, 0.25)


def rows(scores, clusters=None):
    scores = np.asarray(scores, np.float64)
    clusters = np.arange(scores.size) if clusters is None else np.asarray(clusters)
    return Measured(scores, np.ones(scores.size, dtype=bool), clusters.astype(np.uint64), 1.0, 5.0)


def some(labels, count):
    return np.where(np.arange(len(labels)) < count, np.asarray(labels, np.float64), np.nan)


def bounds(judged, people, error=0.05):
    return corrected_bounds(judged, people, error, GUESSES, GUESSES)


@pytest.fixture
def graded():
    """What people say of 600 answers, and a judge that mostly agrees."""
    rng = np.random.default_rng(3)
    people = np.clip(np.round(rng.normal(3, 1, 600)), 1, 5)
    return people, np.clip(people + rng.choice([-0.5, 0.0, 0.5], 600), 1, 4.5)


def alone(people):
    named = [str(number) for number in range(people.size)]
    labels, design = drawn(people, np.arange(people.size), 1.0, 5.0), design_of(named)
    return lowest(labels, design, GUESSES, 0.05), highest(labels, design, GUESSES, 0.05)


def test_labels_of_every_row_are_bet_on_alone(graded):
    people, judged = graded
    assert bounds(rows(judged[:60]), people[:60]) == pytest.approx(alone(people[:60]))


def test_a_judge_that_always_says_the_same_adds_nothing(graded):
    people, _ = graded
    low, high = alone(people[:80])
    found = bounds(rows(np.full(600, 3.0)), some(people, 80))
    assert (found.low, found.high) == pytest.approx((low, high))


def test_a_good_judge_makes_them_narrower(graded):
    people, judged = graded
    found, (low, high) = bounds(rows(judged), some(people, 150)), alone(people[:150])
    assert found.low < people.mean() < found.high
    assert found.high - found.low < 0.8 * (high - low)


def test_how_kind_a_judge_is_does_not_matter(graded):
    people, judged = graded
    assert bounds(rows(judged + 0.5), some(people, 80)) == pytest.approx(bounds(rows(judged), some(people, 80)))


def test_rows_without_a_score_do_not_count(graded):
    people, judged = graded
    missing = np.where(np.arange(600) % 5 == 0, np.nan, judged)
    kept = ~np.isnan(missing)
    assert bounds(rows(missing), some(people, 80)) == bounds(
        rows(judged[kept], np.arange(600)[kept]), some(people, 80)[kept]
    )


def test_the_labels_of_one_cluster_are_one_bet(graded):
    people, judged = graded
    of_few = bounds(rows(judged, np.arange(600) // 10), some(people, 80))
    of_each = bounds(rows(judged), some(people, 80))
    assert of_few.high - of_few.low > of_each.high - of_each.low


def test_labels_that_are_all_alike_are_no_certainty():
    found = bounds(rows(np.full(200, 5.0)), some(np.full(200, 5.0), 20))
    assert 3 < found.low < 4.7
    assert found.high == 5.0


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), min_size=2, max_size=40), st.integers(1, 40), st.data()
)
def test_they_stay_in_the_metrics_range_and_are_wider_for_a_smaller_error(pairs, count, data):
    human, judged = (np.array(column, np.float64) for column in zip(*pairs, strict=True))
    clusters = data.draw(st.lists(st.integers(0, 15), min_size=human.size, max_size=human.size))
    found = bounds(rows(judged, clusters), some(human, count), 0.05)
    wider = bounds(rows(judged, clusters), some(human, count), 0.01)
    assert 1 <= wider.low <= found.low <= 5
    assert 1 <= found.high <= wider.high <= 5
