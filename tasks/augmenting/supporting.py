"""The passages that hold a row's answer, as its dataset names them."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from tasks.calling.answer import Passage
from tasks.data.row import Row
from tasks.retrieval.chunking import chunks_of
from tasks.retrieval.documents import Document, read_documents
from tasks.scoring.words import tokens

if TYPE_CHECKING:
    from tasks.workspace import Workspace


def supporting_passages(workspace: "Workspace", rows: Iterable[Row]) -> dict[str, tuple[Passage, ...]]:
    """Returns, by row, of each document that the row names the chunk that has most of the reference's words.

    Args:
        workspace: the app.
        rows: of any of its datasets; one that names no document, or none that the app has, gets none.
    """
    retrieval = workspace.loaded.app.retrieval
    if retrieval is None:
        return {}
    known = {document.id: document for document in read_documents(workspace.loaded.path(retrieval.documents))}
    return {
        row.id: tuple(
            _passage(known[name], row, retrieval.chunk_words, retrieval.overlap_words)
            for name in row.documents
            if name in known
        )
        for row in rows
    }


def _passage(document: Document, row: Row, chunk_words: int, overlap_words: int) -> Passage:
    wanted = set(tokens(f"{row.reference} {row.question}"))
    chunks = chunks_of(document.text, chunk_words, overlap_words)
    best = max(chunks, key=lambda chunk: len(wanted.intersection(tokens(chunk))))
    return Passage(document.id, best)
