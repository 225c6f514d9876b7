"""What a move says of retrieval, put upon what the app says: the index to build and how to search it."""

from typing import TYPE_CHECKING

from configs.schema.retrieval import Found, Rerank, Retrieval
from tasks.calling.embedding import embedding_identity
from tasks.calling.reranking import rerank_identity
from tasks.candidate import RerankChoice, RetrievalChoice
from tasks.retrieval.fusing import USUAL_CONSTANT

if TYPE_CHECKING:
    from configs.loading import LoadedApp
    from configs.schema.augment import Move

_CUT = ("chunker", "chunk_words", "chunk_tokens")


def retrieval_for(retrieval: Retrieval, move: "Move") -> Retrieval:
    """Returns the app's retrieval with what a move sets in its place."""
    knobs = {name: getattr(move, name) for name in (*Found.model_fields, *_CUT)}
    changed = {**retrieval.model_dump(), **{name: value for name, value in knobs.items() if value is not None}}
    return Retrieval.model_validate(changed)


def choice_of(loaded: "LoadedApp", retrieval: Retrieval, index: str, top_k: int) -> RetrievalChoice:
    """Returns how a candidate retrieves.

    Args:
        loaded: the app.
        retrieval: how passages are found.
        index: digest of the index.
        top_k: chunks put into the prompt.

    Raises:
        ConfigurationError: its reranking model is none.
    """
    hybrid = retrieval.search == "hybrid"
    return RetrievalChoice(
        index=index,
        top_k=top_k,
        embedding=embedding_identity(loaded, retrieval.embedding_model),
        search=None if retrieval.search in (None, "vectors") else retrieval.search,
        fusion_constant=(retrieval.fusion_constant or USUAL_CONSTANT) if hybrid else None,
        rerank=_rerank(loaded, retrieval.rerank) if retrieval.rerank else None,
        min_score=retrieval.min_score,
        named_only=retrieval.named_only or None,
        min_statement_score=retrieval.min_statement_score,
        statements=retrieval.statements,
        otherwise=retrieval.otherwise,
    )


def _rerank(loaded: "LoadedApp", rerank: Rerank) -> RerankChoice:
    if rerank.kind == "sentences":
        return RerankChoice(kind="sentences", of=rerank.of)
    return RerankChoice(
        kind="endpoint", of=rerank.of, model=rerank.model, endpoint_model=rerank_identity(loaded, rerank.model)
    )
