"""What a model is sent for a row: retrieval, then the prompt. Evaluation and serving share it."""

from collections.abc import Awaitable, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from configs.errors import ConfigurationError
from configs.loading import LoadedApp
from tasks.calling.answer import Passage
from tasks.candidate import Candidate
from tasks.data.row import Message, Row
from tasks.prompting.render import render

if TYPE_CHECKING:
    import numpy as np

    from tasks.retrieval.index import Index


class Embed(Protocol):
    """Embeds texts that belong to a person."""

    def __call__(self, texts: Sequence[str], *, user: str = "") -> "Awaitable[np.ndarray]":
        """Returns float32 vectors of length 1, shape (texts, dimensions)."""


class Prepared(NamedTuple):
    """What a model is sent, and the passages that stand in it."""

    messages: tuple[Message, ...]
    context: tuple[Passage, ...]


class Preparer:
    """Prepares rows for one candidate.

    Args:
        candidate: its prompt, retrieval and examples.
        loaded: the app.
        index: the candidate's index, where it retrieves.
        embed: embeds a question with the model that made the index.

    Raises:
        ConfigurationError: the candidate has no prompt, or retrieves from an index that this is not.
    """

    def __init__(self, candidate: Candidate, loaded: LoadedApp, index: "Index | None", embed: Embed) -> None:
        if candidate.prompt is None:
            raise ConfigurationError(f"app {loaded.app.name}: candidate {candidate.label} has no prompt to prepare")
        wanted, given = candidate.retrieval, index.digest if index is not None else "none"
        if wanted is not None and wanted.index != given:
            raise ConfigurationError(
                f"app {loaded.app.name}: candidate {candidate.label} retrieves from index {wanted.index}, "
                f"given is {given}; run augment again"
            )
        self._prompt = candidate.prompt
        self._meta_prompt = candidate.meta_prompt
        self._examples = candidate.examples
        self._top_k = wanted.top_k if wanted is not None else 0
        self._index = index
        self._embed = embed

    async def prepare(self, row: Row) -> Prepared:
        """Returns what the model is sent for a row.

        Raises:
            DataError: the prompt cannot be filled with this row.
            CallFailure: the question could not be embedded.
        """
        return self.rendered(row, await self._retrieved(row))

    def rendered(self, row: Row, context: tuple[Passage, ...]) -> Prepared:
        """Returns what the model is sent for a row where these passages were found for it.

        Raises:
            DataError: the prompt cannot be filled with this row.
        """
        messages = render(self._prompt, row.columns, row.messages, context, self._examples, self._meta_prompt)
        return Prepared(messages, context)

    async def _retrieved(self, row: Row) -> tuple[Passage, ...]:
        if self._index is None or not self._top_k:
            return ()
        vectors = await self._embed([row.question], user=row.user)
        return self._index.search(vectors[0], self._top_k)
