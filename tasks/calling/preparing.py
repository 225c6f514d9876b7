"""What a model is sent for a row: retrieval, then the prompt. Evaluation and serving share it."""

from typing import TYPE_CHECKING, NamedTuple

from configs.errors import ConfigurationError
from configs.loading import LoadedApp
from tasks.calling.answer import Passage
from tasks.candidate import Candidate
from tasks.data.row import Message, Row
from tasks.prompting.render import render

if TYPE_CHECKING:
    from tasks.retrieval.finding import Finder


class Prepared(NamedTuple):
    """What a model is sent, and the passages that stand in it.

    `answer` is what is answered without asking the model: nothing was found, and the candidate says what then.
    """

    messages: tuple[Message, ...]
    context: tuple[Passage, ...]
    answer: str | None = None


class Preparer:
    """Prepares rows for one candidate.

    Args:
        candidate: its prompt and examples.
        loaded: the app.
        finder: finds the candidate's passages, where it retrieves.

    Raises:
        ConfigurationError: the candidate has no prompt.
    """

    def __init__(self, candidate: Candidate, loaded: LoadedApp, finder: "Finder | None") -> None:
        if candidate.prompt is None:
            raise ConfigurationError(f"app {loaded.app.name}: candidate {candidate.label} has no prompt to prepare")
        self._prompt = candidate.prompt
        self._meta_prompt = candidate.meta_prompt
        self._examples = candidate.examples
        self._finder = finder
        self._otherwise = candidate.retrieval.otherwise if candidate.retrieval else None

    async def prepare(self, row: Row) -> Prepared:
        """Returns what the model is sent for a row.

        Raises:
            DataError: the prompt cannot be filled with this row.
            CallFailure: the question could not be embedded.
        """
        return self.rendered(row, await self._finder.find(row.question, row.user) if self._finder is not None else ())

    def rendered(self, row: Row, context: tuple[Passage, ...]) -> Prepared:
        """Returns what the model is sent for a row where these passages were found for it.

        Raises:
            DataError: the prompt cannot be filled with this row.
        """
        messages = render(self._prompt, row.columns, row.messages, context, self._examples, self._meta_prompt)
        return Prepared(messages, context, self._otherwise if not context else None)
