"""Opens an index where the app's configuration has its vectors searched."""

from pathlib import Path

from configs.schema.retrieval import EmbeddedStore, VectorStore
from tasks.retrieval.index import Index, load_index
from tasks.retrieval.vectors import Vectors


def open_index(folder: Path, name: str, store: VectorStore = EmbeddedStore()) -> Index:  # noqa: B008 frozen
    """Loads an index, searched in its store.

    Args:
        folder: folder of all indexes.
        name: its digest.
        store: where its vectors are searched.

    Raises:
        DataError: there is none of that digest, its file is damaged, or a graph cannot be written beside it.
        ConfigurationError: the store's address is not set.
    """
    return in_store(load_index(folder, name), folder, store)


def in_store(index: Index, folder: Path, store: VectorStore) -> Index:
    """Returns an index searched in a store; see `open_index`."""
    return index.searched_by(_searched(index, folder, store))


def _searched(index: Index, folder: Path, store: VectorStore) -> Vectors | None:
    if store.kind == "pgvector":
        from tasks.retrieval.pgvector import PgVectors

        return PgVectors(store, index.digest, index.vectors)
    if len(index.texts) > store.exact_up_to:
        from tasks.retrieval.graph import GraphVectors, graph_file

        return GraphVectors(index.vectors, graph_file(folder, index.digest))
    return None
