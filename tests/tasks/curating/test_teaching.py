"""The parts of a document that a teacher is asked about, and what its rows are checked against."""

import tracemalloc

import pytest

from tasks.curating.teaching import _parts
from tasks.retrieval.documents import Document


def test_a_part_is_checked_against_itself_and_the_parts_beside_it():
    words = [f"word{number}" for number in range(100)]
    parts = list(_parts([Document("D", "Words", "\n".join(words))], 20))
    assert [part.text.split() for part in parts] == [words[at : at + 20] for at in range(0, 100, 20)]
    assert [part.nearby.text.split() for part in parts] == [
        words[max(0, at - 20) : at + 40] for at in range(0, 100, 20)
    ]
    assert {(part.nearby.id, part.nearby.title) for part in parts} == {("D", "Words")}


@pytest.mark.parametrize("text", ["帐篷很轻也很结实耐用而且防水", "same " * 40, "One part."])
def test_what_is_near_stands_in_the_document_letter_by_letter(text):
    parts = list(_parts([Document("D", "", text)], 5))
    assert all(part.nearby.text in text and part.text in part.nearby.text for part in parts)
    assert "".join("".join(part.text for part in parts).split()) == "".join(text.split())


def test_of_a_large_document_little_is_held_at_once():
    text = "a tent that keeps rain out and lets the air in. " * 20_000
    tracemalloc.start()
    try:
        longest = max(len(part.nearby.text) for part in _parts([Document("D", "", text)], 120))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert longest < 3 * 120 * 10
    assert peak < 3 * len(text)
