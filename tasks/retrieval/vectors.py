"""What finds the nearest of an index's vectors: every one compared."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    import numpy as np


class Near(NamedTuple):
    """A chunk's position in its index, and the cosine of its vector and the question's."""

    at: int
    score: float


class Vectors(Protocol):
    """The vectors of one index, wherever they lie."""

    async def nearest(self, vector: "np.ndarray", count: int) -> Sequence[Near]:
        """Returns at most `count` chunks, the nearest first; the index's order where they tie."""

    async def scores(self, vector: "np.ndarray", places: Sequence[int]) -> Sequence[float]:
        """Returns the similarity of the chunks at some places, in that order."""


class ExactVectors:
    """Compares every vector: nothing is missed.

    Args:
        vectors: float32, L2-normalised, shape (chunks, dimensions).
    """

    def __init__(self, vectors: "np.ndarray") -> None:
        self._vectors = vectors

    async def nearest(self, vector: "np.ndarray", count: int) -> Sequence[Near]:
        """See `Vectors`."""
        return self.compared(vector, count)

    async def scores(self, vector: "np.ndarray", places: Sequence[int]) -> Sequence[float]:
        """See `Vectors`."""
        return [float(score) for score in (self._vectors[list(places)] @ vector).round(6)]

    def compared(self, vector: "np.ndarray", count: int) -> list[Near]:
        """Returns the nearest at once; see `Vectors.nearest`."""
        # Rounded, so that the last bit of a sum, which differs by machine, decides no tie.
        scores = (self._vectors @ vector).round(6)
        best = (-scores).argsort(kind="stable")[:count]
        return [Near(int(at), float(scores[at])) for at in best]
