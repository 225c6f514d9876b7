"""Evaluates a candidate on a dataset: ask, score, store, estimate, row by row as the answers come.

What is stored already is not done again. Rows stream through: nothing of them stays in memory but the numbers that
estimates are made of.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from configs.errors import ConfigurationError, EndpointError
from tasks.calling.answer import Answer, Outcome
from tasks.calling.asking import Refusal, Refuse, ask
from tasks.calling.deferring.defer import defer
from tasks.calling.limits.limiter import Limiter, model_limiter
from tasks.calling.targets import Question
from tasks.candidate import Candidate
from tasks.candidates import check_unaltered
from tasks.data.row import Dataset, Row
from tasks.estimating import estimate_asking
from tasks.identity import digest
from tasks.joining import joined
from tasks.progress import Progress, bar, say
from tasks.results.evaluation import Evaluation, evaluation_id
from tasks.results.expected import Expected
from tasks.results.finding import find_evaluation
from tasks.results.in_order import InOrder
from tasks.results.rows_file import NAME, RowsWriter, read_frames
from tasks.retrieval.index import load_index
from tasks.scoring.catalogue import identities
from tasks.scoring.score import Score
from tasks.scoring.scoring import score_all
from tasks.statistics.estimates import estimate_all

if TYPE_CHECKING:
    import pyarrow as pa

    from tasks.workspace import Workspace

CONFIDENCE = 0.95
_TELL_EVERY_S = 2.0

Watch = Callable[[Progress], Awaitable[None]]
"""Told every now and then how far the asking is."""

Take = Callable[["pa.Table"], None]
"""Takes rows as they are written, in the dataset's order."""


class Follow(Protocol):
    """Follows an evaluation while it is asked."""

    def __call__(
        self, identity: str, candidate: Candidate, dataset: Dataset, epoch: str
    ) -> AbstractAsyncContextManager[Take]:
        """Gives what takes its rows."""


class Asking(NamedTuple):
    """How rows are asked.

    Attributes:
        deferred: through batch files first, at their price; a row that comes to nothing there is not called.
        only_failed: only the rows that came to nothing in the evaluation before.
        watch: told every now and then how far it is.
        follow: takes the rows as they are written.
    """

    deferred: bool = False
    only_failed: bool = False
    watch: Watch | None = None
    follow: Follow | None = None


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
    identity = _identity(workspace, candidate, dataset)
    async with joined(workspace.locks, f"evaluation-{identity}"):
        stored = workspace.store.load(identity)
        if stored is not None:
            workspace.spend.reuse(len(stored.rows))
            return stored
        check_unaltered(workspace.loaded, candidate)
        expected = await _expected(workspace, candidate, dataset)
        scorers = workspace.scorers
        slices = workspace.loaded.app.datasets.columns.slices
        metrics = [scorer.metric.name for scorer in scorers if scorer.metric.ratio is None]
        with workspace.store.part() as part:
            async with _followed(asking.follow, identity, candidate, dataset, workspace.epoch) as take:
                with RowsWriter(part / NAME, slices, metrics) as writer:
                    unscored: dict[str, Outcome] = {}

                    def keep(rows: Sequence[Row], answers: Sequence[Answer], scores: Sequence[Score]) -> None:
                        unscored.update((each.row_id, each.outcome) for each in scores if each.outcome != Outcome.OK)
                        take(writer.write(rows, answers, scores))

                    async def write(rows: Sequence[Row], answers: Sequence[Answer]) -> None:
                        scores = await score_all(rows, answers, scorers, workspace.means)
                        await asyncio.to_thread(keep, rows, answers, scores)

                    taken = InOrder(write)
                    await _ask(workspace, candidate, dataset, taken, asking)
            _check_answered(candidate, dataset, taken)
            frames = await asyncio.to_thread(read_frames, part / NAME)
            incomplete = unscored | taken.failed
            evaluation = Evaluation(
                id=digest([identity, incomplete]) if incomplete else identity,
                identity=identity,
                candidate=candidate,
                split=dataset.split,
                dataset=dataset.digest,
                epoch=workspace.epoch,
                rows=frames.rows,
                scores=frames.scores,
                estimates=estimate_all(*frames, workspace.metrics, CONFIDENCE, slices),
                file=part / NAME,
                expected=expected,
            )
            workspace.store.save_candidate(candidate)
            return workspace.store.save(evaluation)


def _followed(
    follow: Follow | None, identity: str, candidate: Candidate, dataset: Dataset, epoch: str
) -> AbstractAsyncContextManager[Take]:
    return follow(identity, candidate, dataset, epoch) if follow else nullcontext(lambda _: None)


async def _expected(workspace: "Workspace", candidate: Candidate, dataset: Dataset) -> Expected:
    """Says and returns what asking will take, before anything is spent."""
    expected = await estimate_asking(workspace, candidate, dataset)
    workspace.spend.expected_calls += expected.calls
    workspace.spend.expected_price += expected.price or 0.0
    if expected.calls:
        say(f"{dataset.split} · {candidate.label}: about {expected}")
    return expected


def _identity(workspace: "Workspace", candidate: Candidate, dataset: Dataset) -> str:
    """Returns the id that the evaluation has once every row is answered; one with failed rows is another thing."""
    price = workspace.loaded.prices.get(candidate.model or "")
    scorers = identities(workspace.scorers)
    return evaluation_id(candidate.digest, dataset.digest, scorers, workspace.epoch, price)


async def _ask(workspace: "Workspace", candidate: Candidate, dataset: Dataset, taken: InOrder, asking: Asking) -> None:
    index = load_index(workspace.indexes, candidate.retrieval.index) if candidate.retrieval else None
    how: dict[str, Any] = {
        "loaded": workspace.loaded,
        "journal": workspace.journal,
        "epoch": workspace.epoch,
        "spend": workspace.spend,
        "index": index,
    }
    label = f"{dataset.split} · {candidate.label}"
    refuse = await _deferred(candidate, dataset, label, how) if asking.deferred else None
    if asking.only_failed:
        refuse = _all_but(_failed_before(workspace, candidate, dataset), refuse)
    began, price, done, failed = time.monotonic(), workspace.spend.price, 0, 0
    limiter = _limiter(workspace, candidate)

    def progress() -> Progress:
        at_once = limiter.in_flight if limiter else None
        spent = workspace.spend.price - price
        return Progress(label, done, len(dataset.rows), failed, time.monotonic() - began, at_once, spent)

    with bar(label, len(dataset.rows)) as shown:

        async def told(position: int, row: Row, answer: Answer) -> None:
            nonlocal done, failed
            done += 1
            failed += answer.outcome is not Outcome.OK
            shown.advance(progress().note)
            await taken.take(position, row, answer)

        async with _watched(asking.watch, progress):
            await ask(candidate, dataset.rows, told, refuse=refuse, **how)
            await taken.flush()


def _limiter(workspace: "Workspace", candidate: Candidate) -> Limiter | None:
    model = workspace.loaded.models.get(candidate.model or "")
    return model_limiter(model, workspace.journal.path.parent) if model else None


@asynccontextmanager
async def _watched(watch: Watch | None, progress: Callable[[], Progress]) -> AsyncIterator[None]:
    """Tells a watcher how far it is while the block runs, and once at its end."""
    if watch is None:
        yield
        return

    async def tell() -> None:
        while True:
            await asyncio.sleep(_TELL_EVERY_S)
            await watch(progress())

    telling = asyncio.create_task(tell())
    try:
        yield
    finally:
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)
    await watch(progress())


async def _deferred(candidate: Candidate, dataset: Dataset, label: str, how: dict[str, Any]) -> Refuse:
    """Asks through batch files, and returns what refuses the rows that came to nothing there."""
    with bar(f"{label} · deferred", len(dataset.rows)) as shown:
        ended = 0

        def advance(now: int, _: int) -> None:
            nonlocal ended
            while ended < now:
                ended += 1
                shown.advance()

        done = await defer(candidate, dataset.rows, on_progress=advance, **how)
    say(f"deferred: {done.sent + done.resumed} sent, {done.answered} answered, {done.reused} known before")
    for kind, count in done.causes.items():
        say(f"deferred: {count} without an answer: {kind}")

    def refuse(_: Row, question: Question) -> Refusal | None:
        left = done.left.get(question.key)
        if left is None:
            return None
        outcome = Outcome.SKIPPED if left.kind in ("waiting", "cut_off") else Outcome.APP_ERROR
        return Refusal(outcome, left.cause)

    return refuse


def _failed_before(workspace: "Workspace", candidate: Candidate, dataset: Dataset) -> frozenset[str]:
    """Returns the rows without an answer or a score of the newest evaluation.

    Raises:
        ConfigurationError: there is none.
    """
    before = find_evaluation(workspace.store, candidate.digest, dataset.digest, workspace.epoch)
    if before is None:
        raise ConfigurationError(
            f"{candidate.label} has no evaluation on {dataset.name} in epoch {workspace.epoch}; "
            f"run evaluate without --only-failed first"
        )
    incomplete = (before.rows["outcome"] != "ok") | before.rows["scorer_failed"]
    return frozenset(before.rows.loc[incomplete, "row_id"])


def _all_but(failed: frozenset[str], refuse: Refuse | None) -> Refuse:
    def refuse_others(row: Row, question: Question) -> Refusal | None:
        if row.id not in failed:
            return Refusal(Outcome.SKIPPED, "not asked: only the rows that failed before are")
        return refuse(row, question) if refuse else None

    return refuse_others


def _check_answered(candidate: Candidate, dataset: Dataset, taken: InOrder) -> None:
    """Refuses answers of which none is one. Rows that only the budget has cut off are no failure of the target's."""
    if taken.cause and len(taken.failed) == len(dataset.rows):
        raise EndpointError(f"{candidate.label} answered no row of {dataset.app}/{dataset.split}: {taken.cause}")
