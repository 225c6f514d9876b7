import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.curating.item import DATASET, Item
from tasks.curating.splitting import HELD, side_of, split_by_cluster
from tasks.data.row import Message, Row

SPLITS = {"train": 0.6, "sample": 0.1, "full": 0.3}
CLUSTERS = st.lists(st.integers(0, 12).map(lambda number: f"c{number}"), max_size=40)


def items_of(clusters, source="production", side="", guarded=False):
    return [
        Item(Row(f"{source}-{at}", (Message("user", "q"),), cluster=cluster), source, DATASET, side, guarded)
        for at, cluster in enumerate(clusters)
    ]


@settings(max_examples=200)
@given(CLUSTERS, CLUSTERS, CLUSTERS, st.integers(0, 5))
def test_never_one_cluster_on_two_sides(free, train, held, seed):
    guarded = items_of(held, "full", "full", guarded=True)
    items = items_of(free) + items_of(train, "train", "train")
    done = split_by_cluster(items, guarded, SPLITS, seed)
    sides = {}
    for item in (*guarded, *done.kept):
        assert sides.setdefault(item.row.cluster, item.side) == item.side
    assert len(done.kept) + len(done.apart) == len(items)
    assert {each.reason for each in done.apart} <= {HELD}


@settings(max_examples=200)
@given(CLUSTERS, CLUSTERS, st.integers(0, 5))
def test_no_row_moves_when_rows_are_added(clusters, more, seed):
    before = {item.name: item.side for item in split_by_cluster(items_of(clusters), [], SPLITS, seed).kept}
    added = split_by_cluster(items_of(clusters) + items_of(more, "traces"), [], SPLITS, seed)
    after = {item.name: item.side for item in added.kept}
    assert before.items() <= after.items()


@settings(max_examples=100)
@given(CLUSTERS, st.randoms())
def test_the_order_of_rows_decides_nothing(clusters, chance):
    items = items_of(clusters)
    turned = list(items)
    chance.shuffle(turned)
    one, other = (split_by_cluster(each, [], SPLITS, 7).kept for each in (items, turned))
    assert {item.name: item.side for item in one} == {item.name: item.side for item in other}


def test_clusters_are_shared_out_as_the_shares_say():
    sides = [side_of(f"cluster {number}", SPLITS, 7) for number in range(10_000)]
    assert {name: sides.count(name) / 10_000 for name in SPLITS} == pytest.approx(SPLITS, abs=0.02)
    assert sides != [side_of(f"cluster {number}", SPLITS, 8) for number in range(10_000)], "the seed decides"


def test_a_split_without_a_share_gets_nothing():
    assert {side_of(str(number), {"train": 0.0, "full": 1.0}, 7) for number in range(200)} == {"full"}


def test_a_held_cluster_goes_where_it_is_held_or_nowhere():
    guarded = items_of(["P1"], "examples", "examples", guarded=True) + items_of(["P2"], "full", "full", guarded=True)
    done = split_by_cluster(items_of(["P1", "P2"]), guarded, {"train": 0.5, "full": 0.5}, 7)
    assert [(item.row.cluster, item.side) for item in done.kept] == [("P2", "full")]
    assert [each.detail for each in done.apart] == ["P1 belongs to examples"]
