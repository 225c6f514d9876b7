"""Cuts text into even pieces of so many words, which an embedding model can hold and a prompt has room for."""

from collections.abc import Callable, Iterable, Iterator
from math import ceil

import regex

_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_WORD = regex.compile(rf"[{_UNSPACED}]\p{{M}}*|[^\s{_UNSPACED}]+")

Spans = Callable[[str], Iterable[tuple[int, int]]]
"""Where the units of a text begin and end, in their order."""


def word_spans(text: str) -> Iterator[tuple[int, int]]:
    """Yields where each word begins and ends.

    A word is what stands between blanks, so in Korean too; of scripts that write no blanks (Chinese, Japanese, Thai,
    Lao, Khmer, Burmese) each character counts as one.
    """
    return (match.span() for match in _WORD.finditer(text))


def count_words(text: str) -> int:
    """Returns how many words a text has, as `word_spans` counts them."""
    return sum(1 for _ in _WORD.finditer(text))


def chunks_of(text: str, size: int, overlap: int = 0, spans: Spans = word_spans) -> tuple[str, ...]:
    """Cuts text into chunks of about the same length, none longer than `size`.

    A text that is no longer than one chunk stays whole. Text inside a chunk is left as it is. What is held in memory is
    the text and its chunks, never all of its words.

    Args:
        text: any text.
        size: words of one chunk at most.
        overlap: words that a chunk repeats of the one before it; fewer than `size`.
        spans: what counts as a word.
    """
    words = sum(1 for _ in spans(text))
    if words <= size:
        return (text.strip(),) if words else ()
    # The chunks cover the words and `count - 1` overlaps; spread evenly, no chunk is a leftover of a few words.
    fresh = words - overlap
    count = ceil(fresh / (size - overlap))
    begins = {fresh * number // count for number in range(count)}
    ends = {fresh * number // count + overlap - 1 for number in range(1, count + 1)}
    starts, stops = [], []
    for at, (start, stop) in enumerate(spans(text)):
        if at in begins:
            starts.append(start)
        if at in ends:
            stops.append(stop)
    return tuple(text[start:stop] for start, stop in zip(starts, stops, strict=True))
