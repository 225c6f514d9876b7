"""Evaluates candidates on a dataset: all of its rows, or only as many as a decision takes."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, NamedTuple

from configs.errors import EndpointError
from tasks.calling.answer import Outcome
from tasks.calling.together import together
from tasks.candidate import Candidate
from tasks.data.row import Dataset
from tasks.evaluating.asking import Asking, rows_to_ask
from tasks.evaluating.batches import batches
from tasks.evaluating.under_way import identity_of, under_way
from tasks.joining import joined
from tasks.results.evaluation import Evaluation

if TYPE_CHECKING:
    from tasks.workspace import Workspace

Settled = Callable[[Evaluation, Evaluation | None], bool]
"""Says of a candidate's evaluation so far, and of the champion's beside it, whether more rows are of no use."""


class Asked(NamedTuple):
    """A candidate's evaluation and the champion's beside it; None where there is no champion."""

    evaluation: Evaluation
    beside: Evaluation | None


async def evaluate_candidate(
    workspace: "Workspace",
    candidate: Candidate,
    dataset: Dataset,
    asking: Asking = Asking(),  # noqa: B008 a tuple
) -> Evaluation:
    """Returns the evaluation of a candidate on a dataset in the workspace's epoch.

    A stored evaluation in which every row was answered and scored is returned as it is; otherwise the rows that failed
    are asked again, the journal answers the others, and all are scored. A second run of the same evaluation waits for
    the first.

    Args:
        workspace: the app.
        candidate: what is asked.
        dataset: the rows.
        asking: how rows are asked.

    Raises:
        AlteredError: nothing is stored, and what the candidate was made of is no longer there to be asked.
        EndpointError: the target answered no row at all; nothing is stored.
    """
    async with _held(workspace, (candidate,), dataset), under_way(workspace, candidate, dataset, asking) as evaluating:
        await evaluating.ask(rows_to_ask(workspace, candidate, dataset, asking))
        return await evaluating.finish()


async def evaluate_until(
    workspace: "Workspace",
    candidate: Candidate,
    champion: Candidate | None,
    dataset: Dataset,
    settled: Settled,
    asking: Asking = Asking(),  # noqa: B008 a tuple
) -> Asked:
    """Asks a candidate and the champion the same rows, drawn at random, batch after batch, until it is settled.

    Args:
        workspace: the app.
        candidate: what is asked.
        champion: what it is compared with; None where there is nothing, and the candidate itself is asked once.
        dataset: the rows that there are.
        settled: looked at after each batch.
        asking: how rows are asked.

    Raises:
        AlteredError: what one of them was made of is no longer there to be asked.
        EndpointError: one of them answered no row at all.
    """
    both = tuple({each.digest: each for each in (candidate, champion) if each is not None}.values())
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(_held(workspace, both, dataset))
        asked = [
            await stack.enter_async_context(under_way(workspace, each, dataset, asking, in_parts=True)) for each in both
        ]
        for batch in batches(dataset.rows):
            for at_once in [[each] for each in asked] if _take_turns(workspace, both) else [asked]:
                await together(each.ask(batch) for each in at_once)
            mine, *theirs = (each.so_far() for each in asked)
            if settled(mine, _other(mine, theirs, champion)):
                break
        evaluation, *others = [await each.finish() for each in asked]
        return Asked(evaluation, _other(evaluation, others, champion))


def check_answered(evaluation: Evaluation) -> None:
    """Refuses an evaluation in which every row failed: an exploration has nothing to rank there.

    Raises:
        EndpointError: says why the first row failed.
    """
    failed = evaluation.rows["outcome"] == Outcome.APP_ERROR
    if len(failed) and failed.all():
        cause = evaluation.rows["cause"].iloc[0]
        raise EndpointError(f"{evaluation.candidate.label} answered no row of {evaluation.split}: {cause}")


def _take_turns(workspace: "Workspace", candidates: Sequence[Candidate]) -> bool:
    """Returns whether candidates are asked one after another: where both would share the embedded model.

    It computes no two adapters at once, and each candidate's prompts push the other's beginnings out of its cache:
    asked together, 24 rows took 24 to 25 s, and 19 to 21 s in turns.
    """
    models = [workspace.loaded.models.get(each.model or "") for each in candidates]
    return all(model is not None and model.kind == "embedded" for model in models)


def _other(mine: Evaluation, theirs: Sequence[Evaluation], champion: Candidate | None) -> Evaluation | None:
    """Returns the champion's evaluation; where the candidate is the champion, its own."""
    if champion is None:
        return None
    return theirs[0] if theirs else mine


@asynccontextmanager
async def _held(workspace: "Workspace", candidates: tuple[Candidate, ...], dataset: Dataset) -> AsyncIterator[None]:
    """Holds the locks of evaluations; all take them in one order, so that two runs never wait for each other."""
    async with AsyncExitStack() as stack:
        for identity in sorted(identity_of(workspace, each, dataset) for each in candidates):
            await stack.enter_async_context(joined(workspace.locks, f"evaluation-{identity}"))
        yield
