"""The index of an app's documents, as its configuration has it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from configs.errors import ConfigurationError
from tasks.calling.embedding import embed, embedding_identity
from tasks.retrieval.documents import read_documents
from tasks.retrieval.index import Index, build_index

if TYPE_CHECKING:
    import numpy as np

    from tasks.workspace import Workspace


async def build(workspace: "Workspace") -> Index:
    """Builds the app's index, or finds the one that its documents, chunking and embedding model already have."""
    loaded = workspace.loaded
    retrieval = loaded.app.retrieval
    if retrieval is None:
        raise ConfigurationError(
            f"{loaded.folder / 'app.yaml'}: a move with `top_k` needs the key `retrieval`; name the documents there"
        )

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
    return await build_index(documents, retrieval, identity, embedding, workspace.indexes)
