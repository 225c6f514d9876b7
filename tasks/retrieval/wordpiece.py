"""Counts the tokens of the embedded embedding model: WordPiece with the vocabulary that travels with its weights.

Devlin et al. (2019, BERT): lower case without accents, cut at blanks, punctuation and Chinese characters, then the
longest pieces of the vocabulary from the left.
"""

import unicodedata
from collections.abc import Iterator
from functools import cache

import regex

_WORD = regex.compile(r"[\p{P}\p{S}\p{Han}]|[^\s\p{P}\p{S}\p{Han}]+")
_LONGEST = 100
"""Characters of a word; a longer one is one unknown token."""


def token_spans(text: str) -> Iterator[tuple[int, int]]:
    """Yields where each token begins and ends in the text as it is written.

    Raises:
        StackError: the weights, and the vocabulary with them, are not installed.
    """
    vocabulary = _vocabulary()
    for match in _WORD.finditer(text):
        start, stop = match.span()
        if stop - start > _LONGEST:
            yield start, stop
            continue
        yield from _pieces(match.group(), start, vocabulary)


def _pieces(word: str, start: int, vocabulary: frozenset[str]) -> Iterator[tuple[int, int]]:
    """Yields the pieces of one word; the whole of it where one part is no piece."""
    read = [(part, at) for at, character in enumerate(word) for part in _read(character)]
    text = "".join(part for part, _ in read)
    found, at = [], 0
    while at < len(text):
        end = len(text)
        while end > at and ("##" if at else "") + text[at:end] not in vocabulary:
            end -= 1
        if end == at:
            yield start, start + len(word)
            return
        # A Korean syllable may be several pieces: they share its place.
        found.append((start + read[at][1], start + read[end - 1][1] + 1))
        at = end
    yield from found


def _read(character: str) -> str:
    """A character as the model reads it: lower case, taken apart, its accents taken away."""
    taken_apart = unicodedata.normalize("NFD", character.lower())
    return "".join(part for part in taken_apart if unicodedata.category(part) != "Mn")


@cache
def _vocabulary() -> frozenset[str]:
    from infra.stack.weights import embedding_weights

    return frozenset((embedding_weights().parent / "vocab.txt").read_text(encoding="utf-8").splitlines())
