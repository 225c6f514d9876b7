"""Vectors that were paid for once: kept by the text they belong to, for as long as the embedding model is the same.

The journal keeps calls for their epoch and may be pruned; an index keeps only its own chunks. Here every chunk that was
ever embedded is found again, whichever index it was for, so that a rebuild embeds what has changed and a build that was
killed goes on.
"""

import hashlib
import sqlite3
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from configs.errors import DataError, EndpointError
from tasks.identity import digest

if TYPE_CHECKING:
    import numpy as np

Embed = Callable[[Sequence[str]], Awaitable["np.ndarray"]]
"""Texts → vectors: float32, L2-normalised, shape (texts, dimensions)."""

_AT_ONCE = 256
"""Texts between two commits: what a killed build embeds again at most."""
_ASKED = 500
"""Keys of one query; SQLite takes 999 where it is old."""


def kept_file(folder: Path, embedding_identity: str) -> Path:
    """Returns the file of an embedding model's vectors; it may be deleted at any time, and is then filled anew."""
    return folder / f"vectors-{digest(embedding_identity)}.db"


async def embedded(texts: Sequence[str], embedding_identity: str, embed: Embed, folder: Path) -> "np.ndarray":
    """Returns the vectors of texts in their order, of which only those that are not kept are embedded.

    Args:
        texts: at least one; the same text twice is embedded once.
        embedding_identity: names the embedding model.
        embed: makes the vectors.
        folder: where vectors are kept.

    Returns:
        float32, shape (texts, dimensions); what `embed` gave, whatever its shape, where it gave no vector for each.

    Raises:
        DataError: the disk is full or refuses to be written.
        EndpointError: the vectors are of another length than those kept.
    """
    import numpy as np

    with _opened(kept_file(folder, embedding_identity)) as kept:
        found = dict(_found(kept, texts))
        missing = [text for text in dict.fromkeys(texts) if text not in found]
        for start in range(0, len(missing), _AT_ONCE):
            batch = missing[start : start + _AT_ONCE]
            vectors = await embed(batch)
            if vectors.ndim != 2 or len(vectors) != len(batch):
                return vectors
            whole = vectors.astype("<f4")
            _check_length(found, whole, kept_file(folder, embedding_identity))
            with kept:
                rows = [(_key(text), vector.tobytes()) for text, vector in zip(batch, whole, strict=True)]
                kept.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", rows)
            found |= zip(batch, whole, strict=True)
    return np.stack([found[text] for text in texts])


@contextmanager
def _opened(file: Path) -> Iterator[sqlite3.Connection]:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(file, timeout=60)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("CREATE TABLE IF NOT EXISTS vectors (text BLOB PRIMARY KEY, vector BLOB) WITHOUT ROWID")
            yield connection
    except sqlite3.DatabaseError as error:
        raise DataError(
            f"{file}: cannot be used: {error}; free disk space, or delete the file where it is damaged, and run again"
        ) from None
    except OSError as error:
        raise DataError(f"{file}: cannot be written: {error.strerror}; free disk space, then run again") from None


def _found(kept: sqlite3.Connection, texts: Sequence[str]) -> "Iterator[tuple[str, np.ndarray]]":
    import numpy as np

    by_key = {_key(text): text for text in texts}
    keys = list(by_key)
    for start in range(0, len(keys), _ASKED):
        asked = keys[start : start + _ASKED]
        marks = ",".join("?" * len(asked))
        query = f"SELECT text, vector FROM vectors WHERE text IN ({marks})"  # noqa: S608 question marks only
        for key, vector in kept.execute(query, asked):
            yield by_key[key], np.frombuffer(vector, "<f4")


def _check_length(found: "Mapping[str, np.ndarray]", vectors: "np.ndarray", file: Path) -> None:
    before = next((vector.size for vector in found.values()), vectors.shape[1])
    if before != vectors.shape[1]:
        raise EndpointError(
            f"the embedding model gives vectors of {vectors.shape[1]} numbers, of {before} before: another model "
            f"answers to its name; give it another name, or delete {file}"
        )


def _key(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()[:16]
