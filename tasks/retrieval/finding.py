"""Finds the passages for a question as a candidate says: searched, filtered, ordered anew, cut."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from tasks.calling.answer import Passage
from tasks.candidate import RetrievalChoice
from tasks.retrieval.fusing import fused
from tasks.retrieval.names import holds, names_in
from tasks.retrieval.statements import asked_of, said_in
from tasks.retrieval.vectors import Near
from tasks.scoring.words import sentences

if TYPE_CHECKING:
    import numpy as np

    from tasks.retrieval.index import Index

_FUSED = 100
"""Chunks of each ranking that are fused, and that a filter has to choose from."""


class Means(Protocol):
    """What finding asks with."""

    async def embed(self, texts: Sequence[str], user: str) -> "np.ndarray":
        """Returns the vectors of a person's texts, float32 of length 1, by the model that made the index."""

    async def parts(self, texts: Sequence[str]) -> "np.ndarray":
        """Returns the vectors of parts of documents, which are kept and belong to nobody."""

    async def rerank(self, question: str, texts: Sequence[str], user: str) -> Sequence[float]:
        """Returns how relevant each text is to a question."""


class Finder:
    """Finds passages in an index.

    Args:
        choice: how.
        index: the index.
        means: what it asks with.
    """

    def __init__(self, choice: RetrievalChoice, index: "Index", means: Means) -> None:
        self._choice, self._index, self._means = choice, index, means

    async def find(self, question: str, user: str = "") -> tuple[Passage, ...]:
        """Returns the passages for a question, best first; () where there is none that may be shown.

        `score` is what they were last ordered by: the similarity, BM25's or the fused score, or the reranker's.

        Args:
            question: what was asked.
            user: id of the person who asked; "" for nobody.

        Raises:
            CallFailure: the question could not be embedded, or the vector store or the reranker does not answer.
            DataError: the index is of another embedding model.
        """
        choice, index = self._choice, self._index
        if choice.plain and index.searched is None:
            vectors = await self._means.embed([question], user)
            return index.search(vectors[0], choice.top_k)
        found = await self._searched(question, user)
        if choice.named_only and (names := names_in(question)):
            found = [near for near in found if holds(index.texts[near.at], names)]
        if choice.min_score is not None:
            found = await self._near_enough(found, question, user, choice.min_score)
        if choice.rerank is not None and found:
            found = await self._reranked(found, question, user)
        passages = [index.passage(*near) for near in found[: choice.top_k]]
        if choice.statements is None and choice.min_statement_score is None:
            return tuple(passages)
        said = [await self._said(each, question, user) for each in passages]
        return tuple(passage for passage in said if passage is not None)

    async def _searched(self, question: str, user: str) -> list[Near]:
        choice = self._choice
        filtered = choice.named_only or (choice.min_score is not None and choice.search is not None)
        count = max(choice.top_k, choice.rerank.of if choice.rerank else 0, _FUSED if filtered else 0)
        if choice.search == "lexical":
            return self._index.lexical.nearest(question, count)
        vector = await self._vector(question, user)
        if choice.search is None:
            return list(await self._index.near.nearest(vector, count))
        rankings = (
            await self._index.near.nearest(vector, _FUSED),
            self._index.lexical.nearest(question, _FUSED),
        )
        return fused(rankings, choice.fusion_constant)

    async def _vector(self, question: str, user: str) -> "np.ndarray":
        vector: np.ndarray = (await self._means.embed([question], user))[0]
        self._index.check(vector)
        return vector

    async def _near_enough(self, found: list[Near], question: str, user: str, least: float) -> list[Near]:
        if not found:
            return found
        if self._choice.search is None:
            return [near for near in found if near.score >= least]
        vector = await self._vector(question, user)
        scores = await self._index.near.scores(vector, [near.at for near in found])
        return [near for near, score in zip(found, scores, strict=True) if score >= least]

    async def _said(self, passage: Passage, question: str, user: str) -> Passage | None:
        """Returns a passage, cut to what it says of what is asked of its subject; None where it says too little."""
        choice, said = self._choice, said_in(passage.text)
        asked = asked_of(question, said.subject)
        if not asked or not said.statements:
            return passage
        scores = (await self._means.parts(said.statements) @ await self._vector(asked, user)).round(6).tolist()
        if choice.min_statement_score is not None and max(scores) < choice.min_statement_score:
            return None
        if choice.statements is None:
            return passage
        best = sorted(range(len(scores)), key=lambda place: -scores[place])[: choice.statements]
        return passage._replace(text=said.text_of(best))

    async def _reranked(self, found: list[Near], question: str, user: str) -> list[Near]:
        """Returns the first so many in a new order; what tied, and what comes after them, in the order before."""
        rerank = self._choice.rerank
        assert rerank is not None  # noqa: S101 whoever calls has looked
        first = found[: rerank.of]
        texts = [self._index.texts[near.at] for near in first]
        if rerank.kind == "endpoint":
            scores = await self._means.rerank(question, texts, user)
        else:
            scores = await self._by_sentences(texts, await self._vector(question, user))
        ordered = sorted(zip(first, scores, strict=True), key=lambda each: -each[1])
        return [*(Near(near.at, score) for near, score in ordered), *found[rerank.of :]]

    async def _by_sentences(self, texts: Sequence[str], vector: "np.ndarray") -> list[float]:
        """Returns the similarity of each text's best sentence.

        Late interaction (Khattab and Zaharia 2020, ColBERT), with sentences for tokens: an embedding model gives no
        vectors of tokens.
        """
        parts = [sentences(text) or [text] for text in texts]
        flat = [part for of_text in parts for part in of_text]
        scores = iter((await self._means.parts(flat) @ vector).round(6).tolist())
        return [max(next(scores) for _ in of_text) for of_text in parts]
