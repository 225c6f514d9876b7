"""Looking after every row: intervals that hold throughout, clusters that count once, and sets that are used up."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.statistics.anytime import Design, design_of, drawn, evidence_above, evidence_below, highest, lowest

HOPED = (0.2, 0.05)


def rows(values, clusters=None, low=0.0, high=1.0):
    values = np.asarray(values, dtype=float)
    return drawn(values, np.arange(values.size) if clusters is None else np.asarray(clusters), low, high)


def design(n, largest=1, whole=False):
    return Design(n * largest, n, largest, whole)


def test_clusters_are_added_up_in_the_order_in_which_they_came():
    found = rows([1, 0, 1, np.nan, 1], ["b", "a", "b", "c", "a"])
    assert found.totals.tolist() == [2, 1, 0]
    assert found.sizes.tolist() == [2, 2, 0]
    assert found.mean == 3 / 4


def test_a_design_is_what_is_known_of_the_rows():
    assert design_of(["a", "b", "a", "c"]) == Design(rows=4, clusters=3, largest=2, whole=False)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=60))
def test_the_interval_holds_the_mean_and_agrees_with_the_evidence(values):
    found, of = rows(values), design(100)
    low, high = lowest(found, of, HOPED, 0.05), highest(found, of, HOPED, 0.05)
    assert 0 <= low <= found.mean + 1e-9
    assert found.mean - 1e-9 <= high <= 1
    for bound, evidence in ((low - 0.01, evidence_above), (high + 0.01, evidence_below)):
        if 0 < bound < 1:
            assert evidence(found, bound, of, HOPED).max() >= np.log(20)


def test_the_interval_narrows_to_the_mean_when_a_set_is_used_up():
    values = np.random.default_rng(1).random(40)
    widths = []
    for n in (10, 30, 39):
        found, of = rows(values[:n]), design(40, whole=True)
        widths.append(highest(found, of, HOPED, 0.05) - lowest(found, of, HOPED, 0.05))
    assert widths == sorted(widths, reverse=True)
    assert widths[-1] < 0.1
    assert lowest(rows(values), design(40, whole=True), HOPED, 0.05) == pytest.approx(values.mean())


def test_twenty_rows_never_make_a_certainty_of_a_population():
    found = rows([1.0] * 20)
    assert lowest(found, design(20), HOPED, 0.05) < 0.95
    assert lowest(found, design(20, whole=True), HOPED, 0.05) == 1


def test_ten_rows_of_one_cluster_are_one_observation():
    values = [1.0] * 40
    apart = lowest(rows(values), design(40), HOPED, 0.05)
    together = lowest(rows(values, np.repeat(np.arange(4), 10)), design(4, largest=10), HOPED, 0.05)
    assert together < apart - 0.2


def test_nothing_is_said_of_few_values_that_know_no_largest():
    few = rows([1.0] * 10, high=np.inf)
    assert highest(few, design(10), HOPED, 0.05) == np.inf
    assert lowest(few, design(10), HOPED, 0.05) > 0, "below there is an end"
    many = rows(np.random.default_rng(2).lognormal(0, 0.3, 100), high=np.inf)
    assert 1 < highest(many, design(100), HOPED, 0.05) < 1.3


@pytest.mark.parametrize("looks", [1, 400])
def test_evidence_is_seldom_wrong_however_often_one_looks(looks):
    rng = np.random.default_rng(4)
    wrong = 0
    for _ in range(400):
        evidence = evidence_above(rows(rng.random(400) < 0.7), 0.7, design(400), HOPED)
        wrong += evidence[:: 400 // looks].max() >= np.log(20)
    assert wrong / 400 <= 0.08


def test_where_every_value_is_known_beforehand_it_is_certain_or_nothing_speaks_for_it():
    found = rows([0.0] * 12, low=0.0, high=0.0)
    assert evidence_above(found, 0.01, design(20), HOPED).tolist() == [0.0] * 12
    assert np.isposinf(evidence_below(found, 0.01, design(20), HOPED)).all()


def test_a_cluster_larger_than_was_known_makes_no_nonsense():
    found = rows([0.0] * 12, ["one"] * 6 + ["two"] * 6)
    for evidence in (evidence_above, evidence_below):
        assert not np.isnan(evidence(found, 0.9, design(10, largest=2), HOPED)).any()
