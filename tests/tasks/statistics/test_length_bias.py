"""Points for length: none where a judge follows people, whatever they like; what was put in where it does not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.statistics.length_bias import length_bias


def made(n, points, rng, liked=0.0):
    """Labels that like length by so much themselves, and scores that add points for each doubling."""
    lengths = rng.integers(20, 2000, n)
    doublings = np.log2(lengths)
    labels = 3 + liked * (doublings - doublings.mean()) + rng.normal(0, 1, n)
    return labels + points * doublings + rng.normal(0, 0.5, n), labels, lengths


@given(st.floats(-0.5, 0.5), st.floats(-0.5, 0.5), st.integers(0, 1000))
def test_the_slope_is_what_was_put_in_also_where_people_like_length(points, liked, seed):
    scores, labels, lengths = made(2000, points, np.random.default_rng(seed), liked)
    found = length_bias(scores, labels, lengths, np.arange(2000))
    assert found.value == pytest.approx(points, abs=0.06)
    assert found.low < found.value < found.high


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 400)), min_size=5, max_size=40))
def test_a_judge_that_follows_people_has_none(answers):
    labels, lengths = (np.array(column) for column in zip(*answers, strict=True))
    found = length_bias(labels.astype(float), labels.astype(float), lengths, np.arange(labels.size))
    assert found is None or found.value == pytest.approx(0, abs=1e-9)


def test_the_interval_covers_what_was_put_in():
    rng = np.random.default_rng(2)
    found = [length_bias(*made(60, 0.2, rng), np.arange(60)) for _ in range(500)]
    assert np.mean([each.low <= 0.2 <= each.high for each in found]) == pytest.approx(0.95, abs=0.03)


def test_rows_of_one_cluster_do_not_count_as_many():
    rng = np.random.default_rng(2)
    scores, labels, lengths = made(30, 0.0, rng)
    once = length_bias(scores, labels, lengths, np.arange(30))
    repeated = [np.repeat(each, 4) for each in (scores, labels, lengths)]
    apart = length_bias(*repeated, np.arange(120))
    together = length_bias(*repeated, np.repeat(np.arange(30), 4))
    assert apart.high - apart.low < 0.6 * (once.high - once.low)
    assert together.high - together.low == pytest.approx(once.high - once.low)


@pytest.mark.parametrize("lengths", [[100] * 20, [2 ** (label + 3) for label in [1, 2, 3, 4, 5] * 4]])
def test_lengths_that_tell_nothing_beyond_the_labels_give_no_answer(lengths):
    labels = np.array([1.0, 2, 3, 4, 5] * 4)
    assert length_bias(labels, labels, np.array(lengths), np.arange(20)) is None


def test_of_four_rows_nothing_is_said():
    assert length_bias(*(np.array([1.0, 2, 3, 4]),) * 2, np.array([10, 50, 20, 90]), np.arange(4)) is None
