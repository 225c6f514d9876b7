"""Quality by meaning: how near do answer and reference lie in an embedding model's space? Asks that model."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from configs.errors import ConfigurationError
from configs.loading import LoadedApp
from configs.schema.scorer import ScorerConfig
from tasks.calling.answer import Answer
from tasks.calling.embedding import BATCH, embed, embedding_identity, unknown_texts
from tasks.calling.failures import CallFailure
from tasks.calling.pricing import expected_tokens
from tasks.data.row import Row
from tasks.scoring.asked import Effort, Means, Rated
from tasks.scoring.score import Metric
from tasks.scoring.scorer import Need, Rating, lacking

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True)
class EmbeddingSimilarity:
    """Cosine of the angle between the embeddings of answer and reference.

    Attributes:
        metric: as the configuration names it.
        model: name of the embedding model.
        model_identity: what that name stands for.
        scorer: what stands behind the metric's name where that is another.
    """

    metric: Metric
    model: str
    model_identity: str
    source: str = ""
    needs: frozenset[Need] = frozenset({"reference"})
    needs_labels: bool = True
    columns: tuple[str, ...] = ()

    @property
    def identity(self) -> str:
        """Name, version and what the model's name stands for."""
        return f"{self.metric.name}{self.source}:{self.metric.version}:model={self.model_identity}"

    def lacking(self, row: Row) -> str:
        """Returns what the row lacks to be rated."""
        return lacking(row, self.needs)

    async def rate(self, rows: Sequence[Row], answers: Sequence[Answer], means: Means) -> Sequence[Rated]:
        """Rates answers; a text that the model refuses fails its own row alone."""
        try:
            return await self._cosines(rows, answers, means)
        except CallFailure as failure:
            if not failure.kind.of_one_row:
                raise
        return await asyncio.gather(
            *(self._alone(row, answer, means) for row, answer in zip(rows, answers, strict=True))
        )

    async def effort(self, rows: Sequence[Row], answers: Sequence[Answer], means: Means) -> Effort:
        """Returns requests, each of many texts, and the tokens of those that the journal does not know."""
        texts = unknown_texts(
            _texts(rows, answers), loaded=means.loaded, model=self.model, journal=means.journal, epoch=means.epoch
        )
        return Effort(self.model, len(texts) / BATCH, expected_tokens(texts))

    async def _alone(self, row: Row, answer: Answer, means: Means) -> Rated:
        try:
            return (await self._cosines([row], [answer], means))[0]
        except CallFailure as failure:
            return failure

    async def _cosines(self, rows: Sequence[Row], answers: Sequence[Answer], means: Means) -> list[Rating]:
        embedding = partial(
            embed, loaded=means.loaded, model=self.model, journal=means.journal, epoch=means.epoch, spend=means.spend
        )
        said = [at for at, answer in enumerate(answers) if answer.text.strip()]
        vectors = await embedding(_texts(rows, answers))
        rated = {at: _rating(vectors[2 * place], vectors[2 * place + 1]) for place, at in enumerate(said)}
        return [rated.get(at, Rating(0.0, "says nothing")) for at in range(len(answers))]


def embedding_similarity(config: ScorerConfig, loaded: LoadedApp) -> EmbeddingSimilarity:
    """Makes the scorer `embedding_similarity`: the cosine similarity of answer and reference, from -1 to 1.

    The model is the entry's `model`, else that of the app's retrieval. Vectors come from the journal where it has them.
    Reimers and Gurevych (2019, Sentence-BERT). Needs no words in common; says nothing of what is true.

    Raises:
        ConfigurationError: there is no embedding model, or a setting is given.
    """
    model = config.model or (loaded.app.retrieval.embedding_model if loaded.app.retrieval else "")
    where = f"app.yaml key `scorers`: {config.name}"
    if config.settings:
        raise ConfigurationError(f"{where}.settings: unknown setting {min(config.settings)!r}; it has none")
    if not model:
        raise ConfigurationError(f"{where}.model: not set; name an embedding model")
    description = "Cosine of the embeddings of answer and reference."
    metric = Metric("embedding_similarity", "quality", "higher", "1", description, low=-1.0).as_configured(config)
    source = "" if config.name == "embedding_similarity" else "=embedding_similarity"
    return EmbeddingSimilarity(metric, model, embedding_identity(loaded, model), source)


def _texts(rows: Sequence[Row], answers: Sequence[Answer]) -> list[str]:
    """Returns answer and reference of each row whose answer says something."""
    pairs = zip(rows, answers, strict=True)
    return [text for row, answer in pairs if answer.text.strip() for text in (answer.text, row.reference)]


def _rating(left: "np.ndarray", right: "np.ndarray") -> Rating:
    return Rating(min(1.0, max(-1.0, float(left @ right))))
