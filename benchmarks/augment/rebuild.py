"""Rebuilds an index after a few of its documents changed: how many chunks are embedded, of how many?"""

import asyncio
import hashlib
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.figure import Figure, Reach, Row
from configs.schema.retrieval import Retrieval
from tasks.retrieval.cutting import cut
from tasks.retrieval.documents import Document
from tasks.retrieval.index import build_index

if TYPE_CHECKING:
    import numpy as np

_DIMENSIONS = 384
_CHUNKS_A_DOCUMENT = 10
_RETRIEVAL = Retrieval(documents="documents.jsonl", chunk_words=40)


class _Counting:
    """Stands for an embedding model, and counts: what is measured is how often it is asked, not how fast it is."""

    def __init__(self) -> None:
        self.texts = 0

    async def __call__(self, texts: Sequence[str]) -> "np.ndarray":
        import numpy as np

        self.texts += len(texts)
        seeds = [int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest()) for text in texts]
        vectors = np.stack([np.random.default_rng(seed).normal(size=_DIMENSIONS) for seed in seeds])
        unit: np.ndarray = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return unit.astype("float32")


def rebuild(number: int, chunks: int = 10_000, changed: int = 10) -> Row:
    """Measures a rebuild.

    Args:
        number: of the row in its table.
        chunks: of the index.
        changed: documents of which one word is another than before.
    """
    before = _documents(chunks // _CHUNKS_A_DOCUMENT, frozenset())
    after = _documents(chunks // _CHUNKS_A_DOCUMENT, frozenset(range(0, 97 * changed, 97)))
    differing = len(_cut(after) - _cut(before))
    first, again = _Counting(), _Counting()
    with tempfile.TemporaryDirectory(prefix="bench-rebuild-") as name:
        asyncio.run(build_index(before, _RETRIEVAL, "counted", first, Path(name)))
        started = time.monotonic()
        asyncio.run(build_index(after, _RETRIEVAL, "counted", again, Path(name)))
        seconds = time.monotonic() - started
    note = f"{first.texts} chunks at first, {changed} documents changed, rebuilt in {seconds:.1f} s without the model"
    return Row(
        number,
        "Rebuild of an index",
        f"{first.texts} chunks of {len(before)} documents are embedded by a model that counts its texts. In {changed} "
        f"documents one word is changed, and the index is built again, as another epoch would.",
        (
            Figure("chunks embedded a chunk changed", again.texts / differing, Reach(1, 1), note=note),
            Figure("chunks embedded by the rebuild", again.texts, digits=0, note=f"{differing} chunks differ"),
        ),
    )


def _documents(count: int, changed: frozenset[int]) -> tuple[Document, ...]:
    return tuple(
        Document(f"D{at}", f"Manual {at}", _text(at, "anew" if at in changed else "still")) for at in range(count)
    )


def _text(document: int, word: str) -> str:
    """Ten chunks of forty words, of which one word depends on whether the document has changed."""
    words = [f"d{document}w{at}" for at in range(_CHUNKS_A_DOCUMENT * _RETRIEVAL.chunk_words)]
    words[document % len(words)] = word
    return " ".join(words)


def _cut(documents: Sequence[Document]) -> set[str]:
    return {chunk for document in documents for chunk in cut(document, _RETRIEVAL)}
