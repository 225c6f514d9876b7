from hypothesis import given
from hypothesis import strategies as st

from tasks.statistics.drawing import draw_order

NAMES = st.lists(st.sampled_from([f"c{number}" for number in range(30)]), max_size=60)


@given(NAMES)
def test_every_row_is_drawn_once_and_clusters_stay_together(clusters):
    order = draw_order(clusters)
    assert sorted(order) == list(range(len(clusters)))
    drawn = [clusters[at] for at in order]
    assert all(drawn.index(name) + drawn.count(name) - 1 == len(drawn) - 1 - drawn[::-1].index(name) for name in drawn)


@given(NAMES, NAMES)
def test_rows_that_are_added_do_not_change_how_the_others_stand(first, more):
    before = [first[at] for at in draw_order(first)]
    after = [(first + more)[at] for at in draw_order(first + more) if at < len(first)]
    assert after == before


def test_a_stage_is_drawn_before_the_next():
    order = draw_order(["a", "b", "c", "d"], [1, 0, 1, 0])
    assert set(order[:2]) == {1, 3}
