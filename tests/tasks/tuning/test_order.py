"""Every row is seen once an epoch, beside rows whose prompts begin alike, and a step's rows follow from the seed."""

from itertools import groupby, islice, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs.schema.finetune import Finetune
from tasks.tuning.order import order
from tasks.tuning.prefixes import common_prefix, runs_of

DOCUMENTS = 12
PROMPTS = [
    (1, 1, 1, *([2 + document] * 20), *range(100 + 10 * asked, 105 + 10 * asked))
    for asked in range(5)
    for document in range(DOCUMENTS)
]
"""Five questions about each of twelve documents, the document's number in its tokens."""

prompts = st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=8).map(tuple), min_size=1, max_size=30)
settings = st.builds(
    Finetune,
    batch=st.integers(1, 9),
    accumulation=st.integers(1, 3),
    prefix_group=st.integers(1, 9),
    seed=st.integers(0, 5),
)


def seen(prompts, made, count):
    """The first rows that a training sees."""
    flat = (place for step in order(prompts, made, 0) for places in step for place in places)
    return list(islice(flat, count))


@given(prompts, settings)
def test_every_row_is_seen_once_an_epoch(prompts, made):
    rows = len(prompts)
    places = seen(prompts, made, 3 * rows)
    assert all(sorted(places[epoch * rows : (epoch + 1) * rows]) == list(range(rows)) for epoch in range(3))


@given(prompts, settings, st.integers(0, 12))
def test_the_rows_of_a_step_are_known_without_those_before_it(prompts, made, step):
    expected = list(islice(order(prompts, made, 0), step, step + 4))
    assert list(islice(order(prompts, made, step), 4)) == expected
    assert [[len(places) for places in parts] for parts in expected] == [[made.batch] * made.accumulation] * 4


def documents_in(places):
    return len({PROMPTS[place][3] for place in places})


@pytest.mark.parametrize(("most", "documents"), [(1, 6), (4, 3.5), (8, 2.5)])
def test_rows_about_one_document_meet_in_a_batch(most, documents):
    steps = islice(order(PROMPTS, Finetune(batch=8, prefix_group=most), 0), 20)
    mean = sum(documents_in(places) for (places,) in steps) / 20
    assert mean > documents if most == 1 else mean < documents


def test_no_more_than_so_many_go_together():
    places = seen(PROMPTS, Finetune(batch=60, prefix_group=2), 60)
    together = [len(list(group)) for _, group in groupby(places, key=lambda place: PROMPTS[place][3])]
    # Two groups about one document may follow each other by chance.
    assert sum(size <= 2 for size in together) > 0.8 * len(together)


def test_other_rows_come_together_in_each_epoch():
    epochs = [places for (places,) in islice(order(PROMPTS, Finetune(batch=60, prefix_group=2), 0), 4)]
    pairs = [{frozenset(pair) for pair in pairwise(places) if documents_in(pair) == 1} for places in epochs]
    assert all(one != two for one, two in pairwise(pairs))


def test_a_group_is_not_cut_by_the_end_of_a_batch_where_another_fits():
    steps = islice(order(PROMPTS, Finetune(batch=8, prefix_group=4), 0), 7)
    # Five rows a document are groups of four and one, and a batch is two of four where nothing is cut.
    assert sum(documents_in(places) <= 5 for (places,) in steps) == 7


@pytest.mark.parametrize("seed", [3, 4])
def test_in_groups_of_one_rows_are_shuffled_one_by_one(seed):
    made = Finetune(batch=8, prefix_group=1, seed=seed)
    expected = [np.random.default_rng([seed, epoch]).permutation(60).tolist() for epoch in range(2)]
    assert seen(PROMPTS, made, 120) == [*expected[0], *expected[1]]


def test_the_seed_decides():
    assert seen(PROMPTS, Finetune(seed=1), 60) != seen(PROMPTS, Finetune(seed=2), 60)


def test_rows_are_of_one_run_where_much_more_than_the_beginning_of_all_is_the_same():
    runs = runs_of(PROMPTS)
    assert [len(run) for run in runs] == [5] * DOCUMENTS
    assert all(documents_in(run) == 1 for run in runs)
    assert runs_of([(1, 2, 3)] * 3) == ((0, 1, 2),)
    assert runs_of([(1, 2, 3, 4, 5), (6, 7, 8, 9)]) == ((0,), (1,))


@given(prompts)
def test_runs_hold_every_row_once(prompts):
    assert sorted(place for run in runs_of(prompts) for place in run) == list(range(len(prompts)))


def test_a_common_beginning_ends_with_the_shorter():
    assert common_prefix((1, 2, 3), (1, 2, 4)) == 2
    assert common_prefix((1, 2), (1, 2, 4)) == 2
    assert common_prefix((), (1,)) == 0
