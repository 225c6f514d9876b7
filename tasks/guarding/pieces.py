"""A long text cut into pieces, so that what takes the square of a text's length takes it of a short one."""

from collections.abc import Iterator
from typing import NamedTuple


class Piece(NamedTuple):
    """A part of a text, and where it begins."""

    start: int
    text: str


def pieces_of(text: str, most: int, shared: int, start: int = 0, end: int | None = None) -> Iterator[Piece]:
    """Yields pieces that cover a part of a text, cut at blanks where there are some.

    Args:
        text: the text.
        most: characters of a piece at most.
        shared: characters that two neighbours have in common, so that what is no longer stands whole in one of them.
        start: where the part begins.
        end: where it ends; the text's end where not given.
    """
    end = len(text) if end is None else end
    while end - start > most:
        stop = _blank(text, start + most - shared, start + most)
        yield Piece(start, text[start:stop])
        start = _blank(text, stop - 2 * shared, stop - shared)
    yield Piece(start, text[start:end])


def _blank(text: str, start: int, end: int) -> int:
    """Returns the place behind the last blank of a part, its end where there is none."""
    at = text.rfind(" ", start, end)
    return end if at < 0 else at + 1
