"""What finding passages asks with, for one candidate of an app: its embedding model and its reranker."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from configs.errors import ConfigurationError
from configs.loading import LoadedApp
from configs.settings import settings
from tasks.calling.embedding import embed, embedding_identity
from tasks.calling.reranking import rerank
from tasks.calling.spend import Spend
from tasks.candidate import RetrievalChoice
from tasks.journal.journal import Journal
from tasks.retrieval.finding import Finder
from tasks.retrieval.kept import embedded

if TYPE_CHECKING:
    import numpy as np

    from tasks.retrieval.index import Index


@dataclass(frozen=True)
class Asking:
    """Asks an app's models.

    Attributes:
        loaded: the app.
        epoch: round of asking.
        journal: where finished calls are; None to ask without.
        spend: ledger and caps; None to ask without.
        reranker: name of the reranking model; "" where there is none.
    """

    loaded: LoadedApp
    epoch: str
    journal: Journal | None = None
    spend: Spend | None = None
    reranker: str = ""

    async def embed(self, texts: Sequence[str], user: str) -> "np.ndarray":
        """Embeds texts with the app's embedding model; see `tasks.calling.embedding.embed`."""
        return await embed(list(texts), model=self._embedding, user=user, **self._how)

    async def parts(self, texts: Sequence[str]) -> "np.ndarray":
        """Embeds parts of documents; those that ever were are found again, in whatever epoch."""
        identity = embedding_identity(self.loaded, self._embedding)
        return await embedded(texts, identity, partial(embed, model=self._embedding, **self._how), self._folder)

    async def rerank(self, question: str, texts: Sequence[str], user: str) -> Sequence[float]:
        """Asks the reranking model; see `tasks.calling.reranking.rerank`."""
        return await rerank(question, texts, model=self.reranker, user=user, **self._how)

    @property
    def _embedding(self) -> str:
        retrieval = self.loaded.app.retrieval
        return retrieval.embedding_model if retrieval else ""

    @property
    def _how(self) -> dict[str, Any]:
        return {"loaded": self.loaded, "journal": self.journal, "epoch": self.epoch, "spend": self.spend}

    @property
    def _folder(self) -> Path:
        home = self.journal.path.parent if self.journal is not None else settings().folder()
        return home / "indexes"


def finder_of(
    choice: RetrievalChoice | None,
    index: "Index | None",
    loaded: LoadedApp,
    epoch: str,
    journal: Journal | None = None,
    spend: Spend | None = None,
) -> Finder | None:
    """Returns what finds passages for a candidate; None where it retrieves nothing.

    Args:
        choice: how it retrieves.
        index: its index.
        loaded: the app.
        epoch: round of asking.
        journal: where finished calls are; None to ask without.
        spend: ledger and caps; None to ask without.

    Raises:
        ConfigurationError: it retrieves from another index than this.
    """
    if choice is None:
        return None
    if index is None or choice.index != index.digest:
        raise ConfigurationError(
            f"app {loaded.app.name}: the candidate retrieves from index {choice.index}, "
            f"given is {index.digest if index is not None else 'none'}; run augment again"
        )
    reranker = choice.rerank.model if choice.rerank else None
    return Finder(choice, index, Asking(loaded, epoch, journal, spend, reranker or ""))
