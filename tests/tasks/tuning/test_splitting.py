import pytest

from tasks.data.row import Message, Row
from tasks.tuning.example import TrainingExample
from tasks.tuning.splitting import mixed, split


def some(count, per_cluster=1):
    return [TrainingExample(f"t{at}", (Message("user", "q"),), "a", f"c{at // per_cluster}") for at in range(count)]


def rows(answerable, unanswerable):
    marks = [True] * answerable + [False] * unanswerable
    return [Row(f"r{at}", (Message("user", "q"),), answerable=mark) for at, mark in enumerate(marks)]


@pytest.mark.parametrize("share", [0.1, 0.2, 0.5])
@pytest.mark.parametrize("per_cluster", [1, 3, 7])
def test_no_cluster_is_on_both_sides_and_the_share_is_near(share, per_cluster):
    sides = split(some(84, per_cluster), share, 7)
    assert {each.cluster for each in sides.train}.isdisjoint({each.cluster for each in sides.held_out})
    assert len(sides.train) + len(sides.held_out) == 84
    assert abs(len(sides.held_out) - share * 84) <= per_cluster


def test_the_seed_decides_the_clusters():
    assert split(some(40), 0.2, 1) == split(some(40), 0.2, 1)
    assert split(some(40), 0.2, 1) != split(some(40), 0.2, 2)


@pytest.mark.parametrize("held_out", [0.0, 0.2])
def test_nothing_is_held_out_where_nothing_is_wanted_or_there_is_one_cluster(held_out):
    examples = some(10, per_cluster=10 if held_out else 1)
    assert split(examples, held_out, 7) == (tuple(examples), ())


def test_something_is_left_to_train_on_whatever_the_share():
    assert split(some(2), 0.99, 7).train


@pytest.mark.parametrize("share", [0.0, 0.1, 0.22, 0.5, 0.9, 1.0])
def test_the_share_of_unanswerable_rows_is_what_is_wanted(share):
    kept = mixed(rows(60, 30), share, 7)
    assert sum(row.answerable is False for row in kept) / len(kept) == pytest.approx(share, abs=0.02)
    assert [row.id for row in kept] == sorted((row.id for row in kept), key=lambda name: int(name[1:]))


def test_without_a_share_every_row_is_kept():
    assert len(mixed(rows(60, 30), None, 7)) == 90
