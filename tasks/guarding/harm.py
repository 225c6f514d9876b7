"""Recognises swearing, by the scorer `profanity`, and phrases that an app names itself."""

from functools import lru_cache

from tasks.guarding.pieces import pieces_of
from tasks.guarding.wording import readings, visible, words_of
from tasks.scoring.profanity import swearing

_PIECE, _SHARED = 2_000, 100


def is_harmful(text: str, threshold: float, phrases: tuple[str, ...] = ()) -> bool:
    """Returns whether a text swears, or holds one of the phrases.

    A long text is as bad as its worst 2,000 characters: politeness around it does not make it better.

    Args:
        text: the text.
        threshold: probability of swearing from which on it counts.
        phrases: found word by word; in scripts without blanks, letter by letter.
    """
    if phrases:
        wanted = _wanted(phrases)
        for words in readings(visible(text)):
            around = f" {words} "
            if any(phrase in around for phrase in wanted):
                return True
    return any(swearing(piece.text) >= threshold for piece in pieces_of(text, _PIECE, _SHARED))


@lru_cache(32)
def _wanted(phrases: tuple[str, ...]) -> tuple[str, ...]:
    plain = [words_of(visible(phrase)) for phrase in phrases]
    # Words of a script without blanks are not parted, and Korean glues its particles to them.
    return tuple(f" {phrase} " if phrase.isascii() else phrase for phrase in plain)
