"""Successive halving: who is asked how much, and who goes on."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tasks.prompting.search.halving import best, rungs

ENDS = st.lists(st.integers(1, 9), min_size=1, max_size=40).map(
    lambda sizes: [sum(sizes[: number + 1]) for number in range(len(sizes))]
)


def test_half_as_many_arms_are_asked_twice_as_many_rows():
    assert rungs(16, range(1, 201), 12) == ((16, 12), (8, 24), (4, 48), (2, 96))


def test_it_ends_where_there_are_no_more_rows_to_tell_arms_apart():
    assert rungs(16, range(1, 21), 12) == ((16, 12), (8, 20))
    assert rungs(16, [5], 12) == ((16, 5),)


@given(st.integers(1, 300), ENDS, st.integers(1, 60))
def test_arms_halve_rows_grow_and_no_cluster_is_cut(arms, ends, first):
    found = rungs(arms, ends, first)
    assert found[0].arms == arms
    assert found[0].rows >= min(first, ends[-1])
    assert {rung.rows for rung in found} <= set(ends)
    for before, after in pairwise(found):
        assert after.arms == (before.arms + 1) // 2
        assert after.rows >= min(2 * before.rows, ends[-1]) > before.rows
    assert found[-1].arms <= 2 or found[-1].rows == ends[-1]


@given(st.integers(2, 200), st.integers(1, 40))
def test_a_step_costs_no_more_than_the_first(arms, first):
    found = rungs(arms, range(1, 10**6), first)
    asked = [
        rung.arms * (rung.rows - before) for rung, before in zip(found, [0, *(r.rows for r in found)], strict=False)
    ]
    assert all(calls <= asked[0] + found[0].rows * 2**number for number, calls in enumerate(asked))


@given(st.lists(st.floats(allow_nan=False), min_size=1, max_size=50), st.integers(1, 50))
def test_the_best_are_kept_and_of_equal_ones_the_earlier(values, keep):
    kept = best(values, keep)
    assert len(kept) == min(keep, len(values)) == len(set(kept))
    dropped = [at for at in range(len(values)) if at not in kept]
    for one in kept:
        for other in dropped:
            assert (-values[one], one) < (-values[other], other)
