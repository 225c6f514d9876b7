"""Texts among which some may be such as no embedding model takes: the others get their vectors all the same."""

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

import numpy as np

from tasks.calling.failures import CallFailure, FailureKind
from tasks.progress import say

_OF_ITS_TEXTS = (FailureKind.TOO_LONG, FailureKind.REJECTED)

Ask = Callable[[Sequence[str]], Awaitable[np.ndarray]]


class Embeddable(NamedTuple):
    """The texts that an embedding model took.

    Attributes:
        places: theirs, among all that were asked about.
        vectors: theirs, one a row; shape (0, 0) for none.
    """

    places: tuple[int, ...]
    vectors: np.ndarray


async def embeddable(texts: Sequence[str], ask: Ask) -> Embeddable:
    """Returns the vectors of those texts that the model takes; the others are left out, and this is said.

    Where one of several is refused, they are asked about in halves until it stands alone.

    Args:
        texts: what to embed.
        ask: returns a vector for each text, or raises.

    Raises:
        CallFailure: another failure than that a text is too long or refused; or each is refused, so that it is not the
            texts that are to blame.
    """
    refused: list[CallFailure] = []
    parts = await _halved(texts, 0, ask, refused)
    places = tuple(place for part in parts for place in part.places)
    if refused and not places and refused[0].kind.nobodys:
        raise refused[0]
    if refused:
        say(f"{len(refused)} of {len(texts)} texts have no vector: {refused[0]}")
    vectors = np.concatenate([part.vectors for part in parts]) if parts else np.zeros((0, 0), np.float32)
    return Embeddable(places, vectors)


async def _halved(texts: Sequence[str], start: int, ask: Ask, refused: list[CallFailure]) -> list[Embeddable]:
    """Returns what was taken, in parts; `start` is the place of the first text."""
    if not texts:
        return []
    try:
        return [Embeddable(tuple(range(start, start + len(texts))), await ask(texts))]
    except CallFailure as error:
        if error.kind not in _OF_ITS_TEXTS:
            raise
        if len(texts) == 1:
            refused.append(error)
            return []
    half = len(texts) // 2
    first = await _halved(texts[:half], start, ask, refused)
    return first + await _halved(texts[half:], start + half, ask, refused)
