from hypothesis import given
from hypothesis import strategies as st

from tasks.curating.differing import difference

RECORDS = st.lists(
    st.fixed_dictionaries({"id": st.sampled_from("abcdef"), "question": st.sampled_from(["x", "y", ""])}), max_size=8
)


def of(before, after, by=None):
    return difference(("A", "B"), before, after, "id", by)


def test_rows_are_told_apart_by_id_and_then_by_content():
    before = [
        {"id": "same", "q": "1", "kind": "x"},
        {"id": "changed", "q": "2", "kind": "x"},
        {"id": "gone", "q": "3", "kind": "y"},
        {"id": "old", "q": "4", "kind": "y"},
    ]
    after = [
        {"id": "new", "q": 4, "kind": "y"},
        {"id": "changed", "q": "two", "kind": "x", "note": "!"},
        {"id": "same", "q": 1, "kind": "x", "note": None},
        {"id": "added", "q": "5", "kind": "z"},
    ]
    found = of(before, after, "kind")
    assert (found.same, found.added, found.removed) == (1, ("added",), ("gone",))
    assert [(each.before, each.after) for each in found.renamed] == [("old", "new")]
    assert [(each.id, each.columns) for each in found.changed] == [("changed", {"q": ("2", "two"), "note": ("", "!")})]
    assert (found.columns_added, found.columns_removed) == (("note",), ())
    assert found.balance == {"x": (2, 2), "y": (2, 1), "z": (0, 1)}


@given(RECORDS)
def test_a_dataset_does_not_differ_from_itself_in_any_order(records):
    found = of(records, records)
    assert found.is_none
    assert found.same == len(records)


@given(RECORDS, RECORDS)
def test_every_row_is_counted_once(before, after):
    found = of(before, after)
    both = found.same + len(found.changed) + len(found.renamed)
    assert both + len(found.removed) == len(before)
    assert both + len(found.added) == len(after)
