"""Personal data taken out of a text in time: the recognisers see the places where some can be, not all of it.

They are presidio's, by `tasks.scoring.personal`; some of them take the square of a text's length, and skip what takes
too long. So each sees a few hundred characters at a time.
"""

import re
import unicodedata
from typing import NamedTuple

from tasks.guarding.pieces import Piece, pieces_of
from tasks.scoring.personal import PersonalData, outermost, personal_data_in, without
from tasks.scoring.pii import CAN_BE, KINDS

_SOME = re.compile(r"[@:\d]")
_AROUND = 64
_AROUND_AN_AT = 320
"""An address has 320 characters at most (RFC 3696, 3)."""
_PIECE, _SHARED = 600, 100
_MOST = 20_000
"""Characters near digits and signs that are looked at: they take a second or so."""


class TooMuchError(Exception):
    """A text of which too much can be personal data to be looked at in time."""


class Redacted(NamedTuple):
    """A text without personal data, and what was in it."""

    text: str
    found: tuple[PersonalData, ...]


def redact(text: str, kinds: tuple[str, ...] = KINDS) -> Redacted:
    """Returns a text with `<EMAIL_ADDRESS>` and the like where it held personal data.

    Raises:
        TooMuchError: it holds more digits, colons and at signs than can be looked at in time.
    """
    found = find(text, kinds)
    return Redacted(without(text, found), tuple(found)) if found else Redacted(text, ())


def find(text: str, kinds: tuple[str, ...] = KINDS) -> list[PersonalData]:
    """Returns the personal data of a text, in order.

    Raises:
        TooMuchError: see `redact`.
    """
    if _SOME.search(text) is None and text.isascii():
        return []
    found = [
        PersonalData(piece.start + start, piece.start + end, kind)
        for piece in _pieces(text)
        for start, end, kind in personal_data_in(piece.text, kinds)
    ]
    return outermost(found) if found else []


def _pieces(text: str) -> list[Piece]:
    return [piece for start, end in _windows(text) for piece in pieces_of(text, _PIECE, _SHARED, start, end)]


def _windows(text: str) -> list[tuple[int, int]]:
    """Returns the parts of a text around what can be personal data; neighbours that touch are one.

    Raises:
        TooMuchError: they are longer than can be looked at in time.
    """
    seen = text if unicodedata.is_normalized("NFKC", text) else _same_length(text)
    windows: list[tuple[int, int]] = []
    characters = 0
    for match in CAN_BE.finditer(seen):
        around = _AROUND_AN_AT if match.group() == "@" else _AROUND
        start, end = _at_blanks(text, match.start() - around, match.end() + around)
        if windows and start <= windows[-1][1]:
            before = windows.pop()
            characters -= before[1] - before[0]
            start, end = min(start, before[0]), max(end, before[1])
        windows.append((start, end))
        characters += end - start
        if characters > _MOST:
            raise TooMuchError
    return windows


def _at_blanks(text: str, start: int, end: int) -> tuple[int, int]:
    """Widens a part to the blanks around it, a little at most."""
    before = text.rfind(" ", max(0, start - _AROUND), max(0, start)) + 1
    behind = text.find(" ", end, end + _AROUND)
    start = before if before else max(0, start)
    return start, (min(end, len(text)) if behind < 0 else behind)


def _same_length(text: str) -> str:
    """Returns a text with its compatible characters made one (NFKC), each as one character; `０` is `0`."""
    return "".join([character if character.isascii() else _one(character) for character in text])


def _one(character: str) -> str:
    made = unicodedata.normalize("NFKC", character)
    return next((each for each in made if each.isdecimal() or each in "@:"), made[:1] or character)
