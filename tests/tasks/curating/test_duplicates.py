import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from configs.schema.curate import Contamination, Duplicates
from tasks.curating.duplicates import CONTRADICTS, deduplicate
from tasks.curating.item import FILE, SYNTHETIC, TRACE, Item
from tasks.curating.likeness import links_of
from tasks.data.row import Message, Row

WANTED = Duplicates()
PHRASES = st.sampled_from(
    [
        "Where is my new card that I ordered last week?",
        "where is my new card that i ordered last week",
        "Where is my new card that I have ordered last week?",
        "Where is my new card that I ordered 2 weeks ago?",
        "Where is my new card that I ordered 3 weeks ago?",
        "How do I top up?",
        "",
    ]
)
ITEMS = st.lists(
    st.tuples(PHRASES, st.sampled_from(["", "In the post.", "Lost."]), st.sampled_from([FILE, TRACE, SYNTHETIC])),
    max_size=14,
).map(
    lambda rows: [
        Item(Row(f"r{at:02}", (Message("user", text),), answer, cluster=f"r{at:02}"), f"source{rank}", rank)
        for at, (text, answer, rank) in enumerate(rows)
    ]
)


def kept(items):
    return deduplicate(items, links_of(items, None, WANTED, Contamination()), WANTED)


@settings(max_examples=150, deadline=None)
@given(ITEMS, st.randoms())
def test_which_rows_are_kept_does_not_depend_on_their_order(items, chance):
    turned = list(items)
    chance.shuffle(turned)
    assert {item.name for item in kept(items).kept} == {item.name for item in kept(turned).kept}


@settings(max_examples=150, deadline=None)
@given(ITEMS)
def test_no_two_kept_rows_are_one_and_doing_it_again_drops_none(items):
    once = kept(items)
    links = links_of(once.kept, None, WANTED, Contamination())
    assert not [link for link in links if link.duplicates(WANTED)]
    assert kept(once.kept).kept == once.kept
    assert sorted(item.name for item in (*once.kept, *(each.item for each in once.apart))) == sorted(
        item.name for item in items
    )


@settings(max_examples=150, deadline=None)
@given(ITEMS)
def test_each_dropped_row_repeats_one_that_is_kept(items):
    done = kept(items)
    names = {item.name for item in done.kept}
    for each in done.apart:
        if each.reason != CONTRADICTS:
            assert any(
                f"like {name}, which is" in each.detail or f"like {name}, whose" in each.detail for name in names
            )


def test_the_labelled_row_is_kept_and_the_line_says_why(item):
    one = item("a", "Where is my card?", source="traces", rank=TRACE)
    other = item("b", "where is my card", "In the post.", source="rows.csv", rank=FILE)
    done = kept([one, other])
    assert done.kept == (other,)
    assert done.apart[0].reason == "duplicate: same question"
    assert done.apart[0].detail == "1.00 like rows.csv row b, which is labelled"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("How heavy is the Larkspur 2 family tent in total?", "How heavy is the Larkspur 4 family tent in total?"),
        ("Is the parcel that I sent on 3 May lost?", "Is the parcel that I sent on 8 May lost?"),
    ],
)
def test_another_number_is_another_question(item, one, other):
    assert len(kept([item("a", one), item("b", other)]).kept) == 2


def test_another_cluster_is_another_question_unless_the_words_are_the_same(item):
    near = ["Is the Larkspur waterproof in heavy rain?", "Is the Larkspurs waterproof in heavy rain?"]
    apart = kept([item("a", near[0], cluster="P1"), item("b", near[1], cluster="P2")])
    assert len(apart.kept) == 2
    same = kept([item("a", near[0], cluster="P1"), item("b", near[0], cluster="P2")])
    assert [each.row.id for each in same.kept] == ["a"]


def test_rows_that_contradict_each_other_are_both_set_apart(item):
    rows = [item("a", "Is it waterproof?", "Yes, to 3000 mm."), item("b", "Is it waterproof?", "Yes, to 2000 mm.")]
    done = kept(rows)
    assert done.kept == ()
    assert {each.reason for each in done.apart} == {CONTRADICTS}


def test_a_request_that_contradicts_a_labelled_row_goes_alone(item):
    row = item("a", "Is it waterproof?", "Yes, to 3000 mm.")
    asked = item("b", "Is it waterproof?", "No.", source="traces", rank=TRACE)
    done = kept([row, asked])
    assert done.kept == (row,)
    assert [each.item for each in done.apart] == [asked]
