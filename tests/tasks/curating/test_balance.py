import pytest

from tasks.curating.balance import few_in_words
from tasks.curating.curation import Curation
from tasks.curating.describing import page_of


@pytest.mark.parametrize(
    ("balance", "named"),
    [
        ({"a": {"train": 50, "full": 20}, "b": {"train": 6, "full": 3}, "c": {"full": 1}}, "'c' 1, 'b' 9"),
        ({"a": {"train": 500}, "b": {"train": 24}}, "'b' 24"),
        ({"a": {"train": 10}, "b": {"train": 10}}, ""),
        ({"a": {"train": 3}}, ""),
        ({"a": {"train": 40}, "": {"train": 2}}, ""),
        ({f"{at:02}": {"train": 1} for at in range(9)}, "'00' 1, '01' 1, '02' 1, '03' 1, '04' 1 and 4 more"),
    ],
)
def test_classes_of_few_rows_are_named_with_their_counts(balance, named):
    line = few_in_words(balance)
    assert "\n" not in line
    assert named in line if named else line == ""


def test_the_page_says_which_classes_have_few_rows(item):
    items = [item(f"p{at}", f"What of {at}?", side="train", about="rare" if at == 0 else "usual") for at in range(12)]
    page = page_of("shop", Curation(tuple(items)), "PASS", "12 rows", "a" * 16)
    assert "warning: 1 of 2 classes have fewer than 10 rows, or than 5% of all 12: 'rare' 1; add rows of them" in page
