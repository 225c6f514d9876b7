"""Evaluates a candidate on a dataset: ask, score, store, estimate, row by row as the answers come.

What is stored already is not done again. Rows stream through: nothing of them stays in memory but the numbers that
estimates are made of.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from configs.errors import EndpointError
from tasks.calling.answer import Answer, Outcome
from tasks.calling.asking import ask
from tasks.candidate import Candidate
from tasks.candidates import check_unaltered
from tasks.data.row import Dataset, Row
from tasks.identity import digest
from tasks.joining import joined
from tasks.progress import bar
from tasks.results.evaluation import Evaluation, evaluation_id
from tasks.results.rows_file import NAME, RowsWriter
from tasks.retrieval.index import load_index
from tasks.scoring.catalogue import identities, score, scorers_of
from tasks.scoring.score import Score
from tasks.statistics.estimates import estimate_all

if TYPE_CHECKING:
    from tasks.workspace import Workspace

CONFIDENCE = 0.95
_PART = 128
"""Rows that are scored and written at once."""

Scored = Callable[[Sequence[Row], Sequence[Answer], Sequence[Score], int], None]
"""Takes rows that are done, their answers and scores, and the position of the first in the dataset."""


async def evaluate_candidate(
    workspace: "Workspace", candidate: Candidate, dataset: Dataset, scored: Scored | None = None
) -> Evaluation:
    """Returns the evaluation of a candidate on a dataset in the workspace's epoch.

    A stored evaluation in which every row was answered is returned as it is; otherwise the rows that failed are asked
    again, and the journal answers the others. A second run of the same evaluation waits for the first.

    Args:
        workspace: the app.
        candidate: what is asked.
        dataset: the rows.
        scored: told of rows as they are done, in the dataset's order; called in a thread.

    Raises:
        AlteredError: nothing is stored, and what the candidate was made of is no longer there to be asked.
        EndpointError: the target answered no row at all; nothing is stored.
    """
    identity = identity_of(workspace, candidate, dataset)
    async with joined(workspace.locks, f"evaluation-{identity}"):
        stored = workspace.store.load(identity)
        if stored is not None:
            workspace.spend.reuse(len(stored.rows))
            return stored
        check_unaltered(workspace.loaded, candidate)
        scorers = workspace.loaded.app.scorers
        slices = workspace.loaded.app.datasets.columns.slices
        metrics = [scorer.metric.name for scorer in scorers_of(scorers)]
        with workspace.store.part() as part:
            with RowsWriter(part / NAME, slices, metrics) as writer:

                def write(rows: Sequence[Row], answers: Sequence[Answer], position: int) -> None:
                    scores = score(rows, answers, scorers)
                    writer.write(rows, answers, scores)
                    if scored is not None:
                        scored(rows, answers, scores, position)

                taken = _InOrder(write)
                await _ask(workspace, candidate, dataset, taken)
            _check_answered(candidate, dataset, taken)
            frames = await asyncio.to_thread(writer.frames)
            evaluation = Evaluation(
                id=digest([identity, taken.failed]) if taken.failed else identity,
                candidate=candidate,
                split=dataset.split,
                dataset=dataset.digest,
                epoch=workspace.epoch,
                rows=frames.rows,
                scores=frames.scores,
                estimates=estimate_all(*frames, workspace.metrics, CONFIDENCE, slices),
                file=part / NAME,
            )
            workspace.store.save_candidate(candidate)
            return workspace.store.save(evaluation)


def identity_of(workspace: "Workspace", candidate: Candidate, dataset: Dataset) -> str:
    """Returns the id that the evaluation has once every row is answered; one with failed rows is another thing."""
    price = workspace.loaded.prices.get(candidate.model or "")
    scorers = identities(workspace.loaded.app.scorers)
    return evaluation_id(candidate.digest, dataset.digest, scorers, workspace.epoch, price)


class _InOrder:
    """Takes answers in any order and hands them on in the dataset's, a part at a time.

    Attributes:
        failed: ids of the rows that were not answered, in the dataset's order.
        cause: why the first row failed that the budget did not cut off, "" where none did.
    """

    def __init__(self, write: Callable[[Sequence[Row], Sequence[Answer], int], None]) -> None:
        self._write = write
        self._waiting: dict[int, tuple[Row, Answer]] = {}
        self._part: list[tuple[Row, Answer]] = []
        self._next = 0
        self._writing = asyncio.Lock()
        self.failed: list[str] = []
        self.cause = ""

    async def take(self, position: int, row: Row, answer: Answer) -> None:
        """Takes one; waits while a part is written, so that answers never pile up."""
        self._waiting[position] = (row, answer)
        while self._next in self._waiting:
            self._part.append(self._waiting.pop(self._next))
            self._next += 1
            if len(self._part) >= _PART:
                await self.flush()

    async def flush(self) -> None:
        """Writes what is in order."""
        part, self._part = self._part, []
        first = self._next - len(part)
        for row, answer in part:
            if answer.outcome is not Outcome.OK:
                self.failed.append(row.id)
            if answer.outcome is Outcome.APP_ERROR:
                self.cause = self.cause or answer.cause
        async with self._writing:
            if part:
                rows, answers = zip(*part, strict=True)
                await asyncio.to_thread(self._write, rows, answers, first)


async def _ask(workspace: "Workspace", candidate: Candidate, dataset: Dataset, taken: _InOrder) -> None:
    index = load_index(workspace.indexes, candidate.retrieval.index) if candidate.retrieval else None
    failed = 0
    with bar(f"{dataset.split} · {candidate.label}", len(dataset.rows)) as shown:

        async def told(position: int, row: Row, answer: Answer) -> None:
            nonlocal failed
            failed += answer.outcome is not Outcome.OK
            shown.advance(f"{failed} failed" if failed else "")
            await taken.take(position, row, answer)

        await ask(
            candidate,
            dataset.rows,
            told,
            loaded=workspace.loaded,
            journal=workspace.journal,
            epoch=workspace.epoch,
            spend=workspace.spend,
            index=index,
        )
        await taken.flush()


def _check_answered(candidate: Candidate, dataset: Dataset, taken: _InOrder) -> None:
    """Refuses answers of which none is one. Rows that only the budget has cut off are no failure of the target's."""
    if taken.cause and len(taken.failed) == len(dataset.rows):
        raise EndpointError(f"{candidate.label} answered no row of {dataset.app}/{dataset.split}: {taken.cause}")
