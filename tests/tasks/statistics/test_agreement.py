"""Agreement with people: kappa against a kept library, and what holds of it whatever the scores are."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score, confusion_matrix

from tasks.statistics.agreement import agreement

SCALE = (1, 5)
pairs = st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), min_size=1, max_size=60)


def of(found_pairs, clusters=None, scale=SCALE, confidence=0.95):
    scores, labels = np.array(found_pairs, dtype=np.int64).T
    return agreement(scores, labels, np.arange(scores.size) if clusters is None else clusters, scale, confidence)


@given(pairs)
def test_kappa_and_confusion_are_those_of_scikit_learn(found_pairs):
    scores, labels = zip(*found_pairs, strict=True)
    found = of(found_pairs)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = cohen_kappa_score(scores, labels, weights="quadratic", labels=[1, 2, 3, 4, 5])
    # Where nothing varies scikit-learn says NaN: there is no agreement beyond chance to be seen, which is 0 here.
    assert found.kappa == pytest.approx(0.0 if np.isnan(expected) else expected, abs=1e-9)
    assert np.array_equal(found.confusion, confusion_matrix(labels, scores, labels=[1, 2, 3, 4, 5]))


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), min_size=2, max_size=60))
def test_on_two_values_the_weights_change_nothing(found_pairs):
    scores, labels = zip(*found_pairs, strict=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = cohen_kappa_score(scores, labels)
    assert of(found_pairs, scale=(0, 1)).kappa == pytest.approx(0.0 if np.isnan(expected) else expected, abs=1e-9)


@given(pairs)
def test_what_holds_of_every_agreement(found_pairs):
    found = of(found_pairs)
    assert -1 - 1e-9 <= found.low <= found.high <= 1 + 1e-9
    assert found.n == len(found_pairs) == np.sum(found.confusion)
    assert found.base_rate >= 1 / 5
    assert found.alike == sum(score == label for score, label in found_pairs) / found.n
    # Judge and people change places: agreement is the same.
    assert of([(label, score) for score, label in found_pairs]).kappa == pytest.approx(found.kappa)


@given(st.lists(st.integers(1, 5), min_size=2, max_size=60), st.integers(1, 5))
def test_a_constant_agrees_no_better_than_chance_and_matches_the_base_rate_at_best(labels, constant):
    found = of([(constant, label) for label in labels])
    assert found.kappa == pytest.approx(0.0, abs=1e-12)
    assert found.alike <= found.base_rate
    assert found.error >= found.constant_error - 1e-12


def test_rows_of_one_cluster_count_as_one():
    rng = np.random.default_rng(5)
    labels = rng.integers(1, 6, 30)
    found_pairs = list(zip(np.clip(labels + rng.integers(-1, 2, 30), 1, 5), labels, strict=True))
    once = of(found_pairs)
    thrice = of([pair for pair in found_pairs for _ in range(3)], np.repeat(np.arange(30), 3))
    assert (thrice.kappa, thrice.low, thrice.high) == pytest.approx((once.kappa, once.low, once.high))
    apart = of([pair for pair in found_pairs for _ in range(3)])
    assert apart.high - apart.low < once.high - once.low


def test_the_interval_covers_the_truth():
    """300 studies of 100 answers, kappa 0.6 to two digits in a population of 300,000."""
    rng = np.random.default_rng(11)

    def study(n):
        labels = rng.integers(1, 6, n)
        return np.column_stack([np.where(rng.random(n) < 0.6, labels, rng.integers(1, 6, n)), labels])

    truth = of(study(300_000), np.zeros(300_000)).kappa
    covered = [found.low <= truth <= found.high for found in (of(study(100)) for _ in range(300))]
    assert 0.91 <= np.mean(covered) <= 0.98
