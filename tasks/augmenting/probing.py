"""Probes: the same question with something else before the model, to see what the failure hangs on."""

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING

from tasks.calling.answer import Answer, Passage
from tasks.calling.asking import ask_target
from tasks.calling.preparing import Prepared
from tasks.calling.prompt_target import PromptTarget
from tasks.candidate import Candidate
from tasks.data.row import Row

if TYPE_CHECKING:
    from tasks.workspace import Workspace

Shown = Mapping[str, tuple[Passage, ...]]
"""By row, the passages that are put before the model."""


class _Probe(PromptTarget):
    """A candidate's model, asked with what it is given instead of what was retrieved."""

    def __init__(self, candidate: Candidate, workspace: "Workspace", shown: Shown) -> None:
        alone = candidate.model_copy(update={"retrieval": None})
        super().__init__(alone, workspace.loaded, workspace.journal, workspace.epoch, workspace.spend, index=None)
        self._shown = shown

    async def prepare(self, row: Row) -> Prepared:
        return self.preparer.rendered(row, self._shown[row.id])


async def probe(workspace: "Workspace", candidate: Candidate, rows: Sequence[Row], shown: Shown) -> dict[str, Answer]:
    """Returns, by row, what a candidate answers with these passages before it and no others.

    The answers are journaled, and count against the budget, like all others.

    Args:
        workspace: the app.
        candidate: of a target of kind `prompt`.
        rows: what is asked.
        shown: the passages of each.

    Raises:
        ConfigurationError: the candidate cannot be asked at all.
    """
    answers: dict[str, Answer] = {}

    async def told(_: int, row: Row, answer: Answer) -> None:
        answers[row.id] = answer

    async with aclosing(_Probe(candidate, workspace, shown)) as target:
        await ask_target(target, rows, told, journal=workspace.journal, epoch=workspace.epoch, spend=workspace.spend)
    return answers
