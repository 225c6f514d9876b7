"""Cuts documents into chunks that an embedding model can hold and a prompt has room for."""

from itertools import pairwise
from math import ceil

import regex

_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_WORD = regex.compile(rf"[{_UNSPACED}]\p{{M}}*|[^\s{_UNSPACED}]+")


def chunks_of(text: str, chunk_words: int, overlap_words: int = 0) -> tuple[str, ...]:
    """Cuts text into chunks of about the same length, none longer than `chunk_words`.

    A text that is no longer than one chunk stays whole. A word is what stands between blanks, so in Korean too; of
    scripts that write no blanks (Chinese, Japanese, Thai, Lao, Khmer, Burmese) each character counts as one. Text
    inside a chunk is left as it is.

    Args:
        text: any text.
        chunk_words: words of one chunk at most.
        overlap_words: words that a chunk repeats of the one before it; fewer than `chunk_words`.
    """
    words = [match.span() for match in _WORD.finditer(text)]
    if len(words) <= chunk_words:
        return (text.strip(),) if words else ()
    # The chunks cover the words and `count - 1` overlaps; spread evenly, no chunk is a leftover of a few words.
    fresh = len(words) - overlap_words
    count = ceil(fresh / (chunk_words - overlap_words))
    starts = [fresh * number // count for number in range(count + 1)]
    return tuple(text[words[begin][0] : words[end + overlap_words - 1][1]] for begin, end in pairwise(starts))
