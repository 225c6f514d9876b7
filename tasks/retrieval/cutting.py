"""Cuts a document into its chunks, as the app's configuration says, each with what it is about."""

from collections.abc import Iterator

from configs.errors import DataError
from configs.schema.retrieval import Retrieval
from tasks.retrieval.chunking import chunks_of, count_words
from tasks.retrieval.documents import Document
from tasks.retrieval.sections import sections_of
from tasks.retrieval.wordpiece import token_spans
from tasks.scoring.words import sentence_spans

_LARGEST_MARKDOWN = 16 * 2**20
"""Characters of a document that is parsed for its headings, which holds many times the text while it is parsed."""


def cut(document: Document, retrieval: Retrieval) -> Iterator[str]:
    """Yields the chunks of a document; one from its middle says what it is about, too.

    Raises:
        StackError: the chunks are of tokens, and the vocabulary is not installed.
        DataError: the chunks are of sections, and the document is too large to be parsed.
    """
    size, overlap = retrieval.chunk_words, retrieval.overlap_words
    match retrieval.chunker:
        case "words":
            chunks = iter(chunks_of(document.text, size, overlap))
        case "tokens":
            chunks = iter(chunks_of(document.text, retrieval.chunk_tokens, retrieval.overlap_tokens, token_spans))
        case "sentence":
            chunks = whole_sentences(document.text, size, overlap)
        case "heading":
            _check_size(document, retrieval)
            yield from _sections(document, size, overlap)
            return
    for chunk in chunks:
        yield _below(document.title, chunk)


def whole_sentences(text: str, size: int, overlap: int = 0) -> Iterator[str]:
    """Yields chunks of as many whole sentences as `size` words hold; a longer sentence is cut into even pieces.

    Args:
        text: any text.
        size: words of one chunk at most.
        overlap: words up to which a chunk repeats whole sentences of the one before it.
    """
    held: list[tuple[int, int, int]] = []
    fresh = False
    for start, stop in sentence_spans(text):
        words = count_words(text[start:stop])
        if held and sum(each[2] for each in held) + words > size:
            if fresh:
                yield text[held[0][0] : held[-1][1]]
            held = _last(held, min(overlap, size - words))
            fresh = False
        if words > size:
            yield from chunks_of(text[start:stop], size, overlap)
            held = []
            continue
        held.append((start, stop, words))
        fresh = True
    if fresh:
        yield text[held[0][0] : held[-1][1]]


def _last(held: list[tuple[int, int, int]], words: int) -> list[tuple[int, int, int]]:
    """Returns the last sentences that together have no more than so many words."""
    kept: list[tuple[int, int, int]] = []
    for each in reversed(held):
        words -= each[2]
        if words < 0:
            break
        kept.insert(0, each)
    return kept


def _check_size(document: Document, retrieval: Retrieval) -> None:
    if len(document.text) > _LARGEST_MARKDOWN:
        raise DataError(
            f"{retrieval.documents}: document {document.id!r} has {len(document.text) / 2**20:.0f} million characters, "
            f"`chunker: heading` takes {_LARGEST_MARKDOWN // 2**20}; split it, or set `chunker: words`"
        )


def _sections(document: Document, size: int, overlap: int) -> Iterator[str]:
    for section in sections_of(document.text):
        titles = section.path if document.title in section.path[:1] else (document.title, *section.path)
        about = " › ".join(title for title in titles if title)
        for chunk in chunks_of(section.text, size, overlap):
            yield _below(about, chunk)


def _below(title: str, chunk: str) -> str:
    return chunk if not title or chunk.lstrip("# ").startswith(title) else f"{title}: {chunk}"
