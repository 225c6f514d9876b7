"""Evaluates a candidate on a dataset: ask, score, estimate, store. What is stored already is not done again."""

from typing import TYPE_CHECKING

from configs.errors import EndpointError
from tasks.calling.answer import Answer, Outcome
from tasks.calling.asking import ask
from tasks.candidate import Candidate
from tasks.candidates import check_unaltered
from tasks.data.row import Dataset
from tasks.identity import digest
from tasks.joining import joined
from tasks.progress import bar
from tasks.results.evaluation import Evaluation, evaluation_id
from tasks.results.frames import to_frames
from tasks.retrieval.index import load_index
from tasks.scoring.catalogue import identities, score
from tasks.statistics.estimates import estimate_all

if TYPE_CHECKING:
    from tasks.workspace import Workspace

CONFIDENCE = 0.95


async def evaluate_candidate(workspace: "Workspace", candidate: Candidate, dataset: Dataset) -> Evaluation:
    """Returns the evaluation of a candidate on a dataset in the workspace's epoch.

    A stored evaluation in which every row was answered is returned as it is; otherwise the rows that failed are asked
    again, and the journal answers the others. A second run of the same evaluation waits for the first.

    Raises:
        AlteredError: nothing is stored, and what the candidate was made of is no longer there to be asked.
        EndpointError: the target answered no row at all; nothing is stored.
    """
    scorers = workspace.loaded.app.scorers
    price = workspace.loaded.prices.get(candidate.model or "")
    identity = evaluation_id(candidate.digest, dataset.digest, identities(scorers), workspace.epoch, price)
    async with joined(workspace.locks, f"evaluation-{identity}"):
        stored = workspace.store.load(identity)
        if stored is not None:
            workspace.spend.reuse(len(stored.rows))
            return stored
        check_unaltered(workspace.loaded, candidate)
        answers = await _answers(workspace, candidate, dataset)
        _check_answered(candidate, dataset, answers)
        workspace.store.save_candidate(candidate)
        rows, scores = to_frames(dataset.rows, answers, score(dataset.rows, answers, scorers))
        slices = workspace.loaded.app.datasets.columns.slices
        evaluation = Evaluation(
            id=_named(identity, answers),
            candidate=candidate,
            split=dataset.split,
            dataset=dataset.digest,
            epoch=workspace.epoch,
            rows=rows,
            scores=scores,
            estimates=estimate_all(rows, scores, workspace.metrics, CONFIDENCE, slices),
        )
        workspace.store.save(evaluation)
        return evaluation


def _check_answered(candidate: Candidate, dataset: Dataset, answers: list[Answer]) -> None:
    """Refuses answers of which none is one. Rows that only the budget has cut off are no failure of the target's."""
    cause = next((answer.cause for answer in answers if answer.outcome is Outcome.APP_ERROR), None)
    if cause is not None and all(answer.outcome is not Outcome.OK for answer in answers):
        raise EndpointError(f"{candidate.label} answered no row of {dataset.app}/{dataset.split}: {cause}")


def _named(identity: str, answers: list[Answer]) -> str:
    """An evaluation with failed rows is another thing than the whole one that a later run may make of it."""
    failed = [answer.row_id for answer in answers if answer.outcome is not Outcome.OK]
    return digest([identity, failed]) if failed else identity


async def _answers(workspace: "Workspace", candidate: Candidate, dataset: Dataset) -> list[Answer]:
    index = load_index(workspace.indexes, candidate.retrieval.index) if candidate.retrieval else None
    failed = 0
    with bar(f"{dataset.split} · {candidate.label}", len(dataset.rows)) as shown:

        def advance(answer: Answer) -> None:
            nonlocal failed
            failed += answer.outcome is not Outcome.OK
            shown.advance(f"{failed} failed" if failed else "")

        return await ask(
            candidate,
            dataset.rows,
            loaded=workspace.loaded,
            journal=workspace.journal,
            epoch=workspace.epoch,
            spend=workspace.spend,
            index=index,
            on_answer=advance,
        )
