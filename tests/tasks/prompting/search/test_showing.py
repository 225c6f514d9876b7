"""Sets of few-shot examples."""

from hypothesis import given
from hypothesis import strategies as st

from tasks.data.row import Message, Row
from tasks.prompting.search.showing import showings


def pool(answerable):
    return [
        Row(f"r{at}", (Message("user", f"q{at}"),), reference="a", answerable=can) for at, can in enumerate(answerable)
    ]


POOL = pool([True, True, False, True, False, True])


def test_none_is_tried_first_then_sizes_that_double():
    assert [len(rows) for rows in showings(POOL, 5, 1, 1, 7)] == [0, 1, 2, 4, 5]
    assert showings(POOL, 0, 3, 3, 7) == ((),)


def test_the_first_set_is_spread_and_the_second_shows_no_refusal():
    _, spread, sure = (rows for rows in showings(POOL, 2, 2, 1, 7) if len(rows) != 1)
    assert [row.answerable for row in spread] == [True, False]
    assert [row.answerable for row in sure] == [True, True]


def test_the_second_order_is_the_reverse():
    one, other = (rows for rows in showings(POOL, 2, 1, 2, 7) if len(rows) == 2)
    assert one == other[::-1]


@given(
    st.lists(st.sampled_from([True, False, None]), max_size=12), st.integers(0, 9), st.integers(1, 5), st.integers(1, 5)
)
def test_every_showing_is_of_different_rows_of_the_pool_and_comes_once(answerable, most, sets, orders):
    found = showings(pool(answerable), most, sets, orders, 3)
    ids = [tuple(row.id for row in rows) for rows in found]
    assert ids[0] == ()
    assert len(set(ids)) == len(ids)
    assert all(len(set(each)) == len(each) <= min(most, len(answerable)) for each in ids)
    assert found == showings(pool(answerable), most, sets, orders, 3)
