"""The index of an app's documents, as its configuration, or a change of it, has it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from configs.errors import ConfigurationError
from configs.schema.retrieval import Retrieval
from tasks.calling.embedding import embed, embedding_identity
from tasks.joining import joined
from tasks.retrieval.documents import read_documents
from tasks.retrieval.index import Index, build_index
from tasks.retrieval.opening import in_store

if TYPE_CHECKING:
    import numpy as np

    from tasks.workspace import Workspace


def retrieval_of(workspace: "Workspace") -> Retrieval:
    """Returns the app's retrieval.

    Raises:
        ConfigurationError: it has none.
    """
    retrieval = workspace.loaded.app.retrieval
    if retrieval is None:
        raise ConfigurationError(
            f"{workspace.loaded.folder / 'app.yaml'}: a move with `top_k` needs the key `retrieval`; "
            f"name the documents there"
        )
    return retrieval


async def build(workspace: "Workspace", retrieval: Retrieval | None = None) -> Index:
    """Builds an index of the app's documents, or finds the one that is there already.

    Two runs that build the same at once join: the second waits and finds the first's index.

    Args:
        workspace: the app.
        retrieval: how documents are cut, embedded and searched; as the app has it where not given.

    Raises:
        ConfigurationError: the app has no documents.
        DataError: a document cannot be used, or the disk is full.
        CallFailure: the embedding model does not answer; what it has given is kept.
    """
    loaded = workspace.loaded
    retrieval = retrieval or retrieval_of(workspace)

    async def embedding(texts: Sequence[str]) -> "np.ndarray":
        return await embed(
            list(texts),
            loaded=loaded,
            model=retrieval.embedding_model,
            journal=workspace.journal,
            epoch=workspace.epoch,
            spend=workspace.spend,
        )

    documents = read_documents(loaded.path(retrieval.documents))
    identity = embedding_identity(loaded, retrieval.embedding_model)
    async with joined(workspace.locks, f"index-{workspace.name}"):
        index = await build_index(documents, retrieval, identity, embedding, workspace.indexes)
    return in_store(index, workspace.indexes, retrieval.store)
