"""A retrieval index: the chunks of an app's documents with their vectors, named by a digest of what made them."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from configs.errors import DataError, EndpointError
from configs.schema.retrieval import Retrieval
from tasks.calling.answer import Passage
from tasks.identity import digest
from tasks.retrieval.cutting import cut
from tasks.retrieval.documents import Document
from tasks.retrieval.kept import Embed, embedded
from tasks.retrieval.lexical import Lexical
from tasks.retrieval.vectors import ExactVectors, Vectors
from tasks.writing import write_whole

if TYPE_CHECKING:
    import numpy as np

_METHOD = "words-1"
"""Named in the digest. Bump it when a change of chunking or of what is embedded makes another index of the same."""


@dataclass(frozen=True)
class Index:
    """Chunks and their vectors.

    Attributes:
        digest: names documents, chunking and embedding model.
        documents: id of the document of each chunk.
        texts: each chunk's text.
        vectors: float32, L2-normalised, shape (chunks, dimensions).
        searched: what finds the nearest of them; compares all where not given.
    """

    digest: str
    documents: tuple[str, ...]
    texts: tuple[str, ...]
    vectors: "np.ndarray"
    searched: Vectors | None = None

    @property
    def near(self) -> Vectors:
        """What finds the nearest chunks."""
        return self.searched or ExactVectors(self.vectors)

    @cached_property
    def lexical(self) -> Lexical:
        """What finds chunks by their words; made at the first search."""
        return Lexical(self.texts)

    def searched_by(self, searched: Vectors | None) -> "Index":
        """Returns the same index, its vectors searched by something else."""
        return replace(self, searched=searched)

    def search(self, vector: "np.ndarray", top_k: int) -> tuple[Passage, ...]:
        """Returns the `top_k` chunks nearest to a vector, best first; the documents' order where they tie.

        Every vector is compared, wherever else the index's vectors are searched.

        The passage's id is its document's. Several chunks of one document may be among them: a question about a long
        document may need two of its parts, and a folder may hold a single handbook.

        Args:
            vector: L2-normalised, shape (dimensions,).
            top_k: chunks at most.

        Raises:
            DataError: the vector is of another embedding model: it has another number of dimensions.
        """
        self.check(vector)
        found = ExactVectors(self.vectors).compared(vector, top_k)
        return tuple(self.passage(at, score) for at, score in found)

    def check(self, vector: "np.ndarray") -> None:
        """Refuses a question's vector that is of another embedding model.

        Raises:
            DataError: it has another number of dimensions.
        """
        if vector.shape != self.vectors.shape[1:]:
            raise DataError(
                f"index {self.digest}: has {self.vectors.shape[1]} dimensions, the question's vector {vector.size}; "
                f"embed both with the same model: run augment again"
            )

    def passage(self, at: int, score: float) -> Passage:
        """Returns a chunk as a passage."""
        return Passage(self.documents[at], self.texts[at], score)


def index_digest(documents: Sequence[Document], retrieval: Retrieval, embedding_identity: str) -> str:
    """Names an index by what it is made of; where the documents' file lies, and how it is searched, is no part."""
    cut: list[str | int] = [retrieval.chunk_words, retrieval.overlap_words]
    if retrieval.chunker == "tokens":
        cut = [retrieval.chunk_tokens, retrieval.overlap_tokens]
    if retrieval.chunker != "words":
        cut = [retrieval.chunker, *cut]
    return digest([_METHOD, [list(document) for document in documents], cut, embedding_identity])


async def build_index(
    documents: Sequence[Document], retrieval: Retrieval, embedding_identity: str, embed: Embed, folder: Path
) -> Index:
    """Builds an index, or loads the one that is there already; only chunks that were never embedded are.

    Args:
        documents: at least one.
        retrieval: how they are cut.
        embedding_identity: names the embedding model.
        embed: makes the vectors.
        folder: folder of all indexes and of the vectors kept; this one's file is named by its digest and appears whole
            or not at all.

    Raises:
        DataError: no document holds text to embed, or the disk is full or refuses to be written.
        EndpointError: the embedding model gave something else than one vector a text.
    """
    name = index_digest(documents, retrieval, embedding_identity)
    with suppress(DataError):
        return load_index(folder, name)
    chunks = [(document.id, chunk) for document in documents for chunk in cut(document, retrieval)]
    if not chunks:
        raise DataError(
            f"{retrieval.documents}: the documents are headings alone, with no text below them to embed; "
            f"write some, or set `chunker: words`"
        )
    texts = tuple(text for _, text in chunks)
    vectors = await embedded(texts, embedding_identity, embed, folder)
    if vectors.ndim != 2 or len(vectors) != len(chunks):
        raise EndpointError(
            f"embedding model {retrieval.embedding_model}: gave shape {vectors.shape} for {len(chunks)} texts; "
            f"check that it is an embedding model"
        )
    index = Index(name, tuple(document for document, _ in chunks), texts, vectors.astype("float32", copy=False))
    _write(index, embedding_identity, index_file(folder, name))
    return index


def load_index(folder: Path, name: str) -> Index:
    """Loads an index.

    Args:
        folder: folder of all indexes.
        name: its digest.

    Raises:
        DataError: there is none of that digest, or its file is damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = index_file(folder, name)
    try:
        table = pq.read_table(pa.BufferReader(file.read_bytes()))
        vectors = table.column("vector").combine_chunks()
        return Index(
            name,
            tuple(table.column("document").to_pylist()),
            tuple(table.column("text").to_pylist()),
            vectors.flatten().to_numpy().reshape(-1, vectors.type.list_size),
        )
    except FileNotFoundError:
        raise DataError(f"no index {name} in {folder}; run augment to build it") from None
    except (OSError, KeyError, pa.ArrowException) as error:
        raise DataError(f"{file}: is damaged ({error}); delete it and run augment to build it again") from None


def index_file(folder: Path, name: str) -> Path:
    """Returns the one Parquet file that an index is: a row a chunk, with its document, text and vector."""
    return folder / f"{name}.parquet"


def _write(index: Index, embedding_identity: str, file: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    vectors = pa.FixedSizeListArray.from_arrays(pa.array(index.vectors.ravel()), index.vectors.shape[1])
    table = pa.table({"document": index.documents, "text": index.texts, "vector": vectors})
    content = pa.BufferOutputStream()
    pq.write_table(table.replace_schema_metadata({"embedding": embedding_identity}), content)
    write_whole(file, memoryview(content.getvalue()))
