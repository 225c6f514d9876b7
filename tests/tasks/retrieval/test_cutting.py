import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs.errors import DataError
from configs.schema.retrieval import Retrieval
from tasks.retrieval import cutting
from tasks.retrieval.chunking import count_words
from tasks.retrieval.cutting import cut, whole_sentences
from tasks.retrieval.documents import Document
from tasks.retrieval.wordpiece import token_spans

MANUAL = """# TrailMaster X4 Tent

A tent for four.

## Features
- Polyester, 12 lbs
- Rainfly included

## User Guide
### Setting up
1. Choose a flat place.

```
# not a heading
```

### Care
Dry it before you pack it away and keep it somewhere dark.
"""


def chunks(text, title="", **settings):
    return list(cut(Document("d", title, text), Retrieval(documents="d.jsonl", **settings)))


def test_a_section_of_markdown_carries_the_headings_above_it():
    assert chunks(MANUAL, "TrailMaster X4 Tent", chunker="heading") == [
        "TrailMaster X4 Tent: A tent for four.",
        "TrailMaster X4 Tent › Features: - Polyester, 12 lbs\n- Rainfly included",
        "TrailMaster X4 Tent › User Guide › Setting up: 1. Choose a flat place.\n\n```\n# not a heading\n```",
        "TrailMaster X4 Tent › User Guide › Care: Dry it before you pack it away and keep it somewhere dark.",
    ]


def test_a_long_section_is_cut_into_even_pieces_that_all_carry_its_headings():
    found = chunks("# Care\n" + "dry " * 20, chunker="heading", chunk_words=8)
    assert [each.count("dry") for each in found] == [6, 7, 7]
    assert all(each.startswith("Care: ") for each in found)


def test_text_without_headings_is_one_section_with_the_documents_title():
    assert chunks("No heading here.", "Returns", chunker="heading") == ["Returns: No heading here."]


def test_underlined_headings_and_text_before_the_first():
    assert chunks("First.\n\nCare\n----\nDry it.", chunker="heading") == ["First.", "Care: Dry it."]


def test_sentences_stay_whole_and_are_put_together_as_long_as_they_fit():
    text = "One two three. Four five six. Seven eight nine. Ten."
    assert list(whole_sentences(text, 8)) == ["One two three. Four five six.", "Seven eight nine. Ten."]


def test_a_chunk_repeats_whole_sentences_only():
    text = "One two three. Four five six. Seven eight nine. Ten."
    assert list(whole_sentences(text, 8, 4)) == [
        "One two three. Four five six.",
        "Four five six. Seven eight nine. Ten.",
    ]


def test_a_sentence_longer_than_a_chunk_is_cut():
    found = list(whole_sentences("Short one. " + "long " * 20 + ". Last one.", 8))
    assert found[0] == "Short one."
    assert found[-1].endswith("Last one.")
    assert max(map(count_words, found)) <= 8


WORDS = st.lists(st.sampled_from(["tent", "dry.", "Pack!", "2.1kg", "帐。", "가방"]), min_size=1, max_size=60)


@given(WORDS, st.integers(8, 20), st.integers(0, 7))
def test_every_word_is_in_a_chunk_and_no_chunk_is_too_long(words, size, overlap):
    text = " ".join(words)
    found = list(whole_sentences(text, size, overlap))
    assert max(map(count_words, found)) <= size
    if overlap == 0:
        assert "".join("".join(found).split()) == "".join(words)
    assert all(any(word in part for part in found) for word in words)


def test_chunks_of_tokens_are_counted_by_the_embedded_models_vocabulary():
    text = "Waterproofing unbelievably 방수 帐篷, café"
    pieces = [text[start:stop] for start, stop in token_spans(text)]
    assert pieces[:4] == ["Water", "proof", "ing", "un"]
    assert pieces[-4:] == ["帐", "篷", ",", "café"]
    assert len([piece for piece in pieces if piece in "방수"]) == 5  # by its letters
    found = chunks("Waterproofing " * 10, chunker="tokens", chunk_tokens=8)
    assert [sum(1 for _ in token_spans(each)) for each in found] == [7, 8, 7, 8]


@pytest.mark.parametrize("chunker", ["words", "heading", "sentence", "tokens"])
def test_text_of_blanks_has_no_chunk(chunker):
    assert chunks(" \n\t", chunker=chunker) == []


def test_markdown_that_is_too_large_to_be_parsed_is_one_line_and_is_cut_otherwise(monkeypatch):
    monkeypatch.setattr(cutting, "_LARGEST_MARKDOWN", 2**20)
    text = "# Log\n" + "- a line of it\n" * 2**17
    with pytest.raises(DataError, match=r"^d\.jsonl: document 'd' has 2 million characters, .* takes 1;"):
        chunks(text, chunker="heading")
    assert len(chunks(text, chunker="words", chunk_words=2000)) == -(-(2**17 * 5 + 2) // 2000)
