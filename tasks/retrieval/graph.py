"""Finds the nearest of very many vectors by a graph (HNSW, Malkov and Yashunin 2016), which misses a few of them.

The graph is made of an index's vectors, lies beside its file and may be deleted: it is then made anew.
"""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.progress import say
from tasks.retrieval.vectors import ExactVectors, Near
from tasks.writing import write_whole

if TYPE_CHECKING:
    import numpy as np

_NEIGHBOURS = 32
_LOOKED_AT = 128
_ASKED_FOR = 4
"""Times as many are asked of the graph as are wanted; their similarities are then computed again, so that ties are
broken as everywhere else."""


class GraphVectors:
    """The nearest vectors by a graph.

    Args:
        vectors: float32, L2-normalised, shape (chunks, dimensions).
        file: where the graph lies, or is to lie.

    Raises:
        DataError: the disk is full or refuses to be written.
    """

    def __init__(self, vectors: "np.ndarray", file: Path) -> None:
        self._vectors = vectors
        self._exact = ExactVectors(vectors)
        self._graph = _read(file, vectors) or _made(vectors, file)
        self._lock = threading.Lock()

    async def nearest(self, vector: "np.ndarray", count: int) -> Sequence[Near]:
        """See `Vectors`."""
        wanted = min(len(self._vectors), _ASKED_FOR * count)
        with self._lock:
            self._graph.hnsw.efSearch = max(_LOOKED_AT, wanted)
            _, found = self._graph.search(vector[None], wanted)
        places = sorted(int(at) for at in found[0] if at >= 0)
        near = [Near(at, score) for at, score in zip(places, await self._exact.scores(vector, places), strict=True)]
        return sorted(near, key=lambda each: -each.score)[:count]

    async def scores(self, vector: "np.ndarray", places: Sequence[int]) -> Sequence[float]:
        """See `Vectors`."""
        return await self._exact.scores(vector, places)


def graph_file(folder: Path, index: str) -> Path:
    """Returns the file of an index's graph."""
    return folder / f"{index}.hnsw"


def _read(file: Path, vectors: "np.ndarray") -> "faiss.IndexHNSWFlat | None":  # type: ignore[name-defined]  # noqa: F821
    import faiss

    if not file.is_file():
        return None
    try:
        graph = faiss.read_index(str(file))
    except RuntimeError:
        return None  # torn or of another release: it is made anew
    return graph if (graph.ntotal, graph.d) == vectors.shape else None


def _made(vectors: "np.ndarray", file: Path) -> "faiss.IndexHNSWFlat":  # type: ignore[name-defined]  # noqa: F821
    import faiss

    say(f"making the graph of {len(vectors)} vectors, once")
    graph = faiss.IndexHNSWFlat(vectors.shape[1], _NEIGHBOURS, faiss.METRIC_INNER_PRODUCT)
    graph.hnsw.efConstruction = _LOOKED_AT
    graph.add(vectors)
    write_whole(file, faiss.serialize_index(graph).tobytes())
    return graph
