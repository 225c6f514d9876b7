"""An evaluation under way: rows are asked, scored and kept, part after part.

Nothing of them stays in memory but the numbers that estimates are made of; what is stored already is not done again.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from configs.errors import EndpointError
from configs.schema.retrieval import EmbeddedStore
from tasks.calling.answer import Answer, Outcome
from tasks.calling.asking import Asked, Refuse, open_asking
from tasks.calling.limits.limiter import Limiter, model_limiter
from tasks.candidate import Candidate
from tasks.candidates import check_unaltered
from tasks.data.row import Dataset, Row
from tasks.estimating import estimate_asking
from tasks.evaluating.asking import Asking, Follow, Take, Watch, refused
from tasks.evaluating.stored import Stored
from tasks.identity import digest
from tasks.judging.judge import judges_of
from tasks.judging.people import People
from tasks.progress import Bar, Progress, bar, say
from tasks.results.evaluation import Evaluation, evaluation_id
from tasks.results.expected import Expected
from tasks.results.frames import Frames, facts_of, frames_of
from tasks.results.in_order import PART, InOrder
from tasks.results.rows_file import NAME, RowsWriter, read_frames
from tasks.retrieval.opening import open_index
from tasks.scoring.catalogue import identities
from tasks.scoring.score import Score
from tasks.scoring.scorer import Scorer
from tasks.scoring.scoring import ask_scorers, score
from tasks.statistics.anytime import design_of
from tasks.statistics.corrected import with_people
from tasks.statistics.estimates import estimate_all

if TYPE_CHECKING:
    import pyarrow as pa

    from tasks.workspace import Workspace

CONFIDENCE = 0.95
_TELL_EVERY_S = 2.0
_DEFERRED_PART = 20_000
"""Rows whose judges are asked in one batch file: each takes its time, and the answers wait in memory."""


def identity_of(workspace: "Workspace", candidate: Candidate, dataset: Dataset) -> str:
    """Returns the id that the evaluation has once every row is answered; one with failed rows is another thing."""
    price = workspace.loaded.prices.get(candidate.model or "")
    scorers = identities(workspace.scorers)
    return evaluation_id(candidate.digest, dataset.digest, scorers, workspace.epoch, price)


class UnderWay:
    """An evaluation whose rows are being asked; made by `under_way`."""

    def __init__(self, work: "_Work", counter: "_Counter", writing: AsyncExitStack, asked: Asked) -> None:
        self._work, self._counter, self._writing, self._asked = work, counter, writing, asked
        self._kept: list[pa.Table] = []
        self._ids: list[str] = []
        self._incomplete: dict[str, Outcome] = {}
        self._answered = 0
        self._cause = ""

    async def ask(self, rows: Iterable[Row]) -> None:
        """Asks rows, scores the answers and writes them."""
        part = _DEFERRED_PART if self._work.defers else PART
        taken, before = InOrder(self._rate, self._write, part), len(self._ids)

        async def told(position: int, row: Row, answer: Answer) -> None:
            self._counter.count(answer)
            await taken.take(position, row, answer)

        await self._asked(rows, told, self._work.refuse)
        await taken.flush()
        self._incomplete |= taken.failed
        self._answered += len(self._ids) - before - len(taken.failed)
        self._cause = self._cause or taken.cause

    def so_far(self) -> Evaluation:
        """Returns the evaluation of the rows that were asked, without estimates."""
        import pyarrow as pa

        table = pa.concat_tables(self._kept)
        return self._work.people.beside(self._evaluation(frames_of(table.column_names, table.column)))

    async def finish(self) -> Evaluation:
        """Ends the asking, and returns the evaluation of the rows that were asked, stored.

        Raises:
            EndpointError: whoever was asked answered no row, and no row is to blame; nothing is stored.
        """
        await self._writing.aclose()
        work, store = self._work, self._work.workspace.store
        # Rows that fail by themselves, or that only the budget has cut off, leave an evaluation that says so.
        if self._cause and not self._answered:
            raise EndpointError(
                f"{work.candidate.label} answered no row of {work.dataset.app}/{work.dataset.split}: {self._cause}"
            )
        frames = await asyncio.to_thread(read_frames, work.file)
        slices = work.workspace.loaded.app.datasets.columns.slices
        stopped = len(self._ids) < len(work.dataset.rows)
        drawn_from = design_of(row.cluster or row.id for row in work.dataset.rows) if stopped else None
        estimates = estimate_all(*frames, work.workspace.metrics, CONFIDENCE, slices, drawn_from)
        store.save_candidate(work.candidate)
        # What is stored is the judges' alone: people may still say more.
        stored = store.save(replace(self._evaluation(frames), estimates=estimates, file=work.file))
        return with_people(work.people.beside(stored), work.workspace.metrics)

    def _evaluation(self, frames: Frames) -> Evaluation:
        work = self._work
        part = [] if len(self._ids) == len(work.dataset.rows) else [self._ids]
        whole = not self._incomplete and not part
        return Evaluation(
            id=work.identity if whole else digest([work.identity, self._incomplete, *part]),
            identity=work.identity,
            candidate=work.candidate,
            split=work.dataset.split,
            dataset=work.dataset.digest,
            epoch=work.workspace.epoch,
            rows=frames.rows,
            scores=frames.scores,
            estimates=(),
            expected=work.expected,
            available=len(work.dataset.rows),
        )

    async def _rate(self, rows: Sequence[Row], answers: Sequence[Answer]) -> list[Score]:
        workspace = self._work.workspace
        means = replace(workspace.means, deferred=self._work.defers)
        return await ask_scorers(rows, answers, workspace.scorers, means)

    async def _write(self, rows: Sequence[Row], answers: Sequence[Answer], asked: Sequence[Score]) -> None:
        await asyncio.to_thread(self._keep, rows, answers, asked)

    def _keep(self, rows: Sequence[Row], answers: Sequence[Answer], asked: Sequence[Score]) -> None:
        scores = [*score(rows, answers, self._work.workspace.scorers), *asked]
        self._incomplete.update((each.row_id, each.outcome) for each in scores if each.outcome != Outcome.OK)
        self._ids += [row.id for row in rows]
        for answer in answers:
            if answer.outcome is Outcome.OK:
                self._work.people.take(answer.row_id, answer.text)
        table = self._work.writer.write(rows, answers, scores)
        if self._work.in_parts:
            self._kept.append(facts_of(table))
        self._work.take(table)


@asynccontextmanager
async def under_way(
    workspace: "Workspace", candidate: Candidate, dataset: Dataset, asking: Asking, *, in_parts: bool = False
) -> AsyncIterator[UnderWay | Stored]:
    """Opens an evaluation, whose lock the caller holds; one that is stored, every row answered and scored, is taken.

    Args:
        workspace: the app.
        candidate: what is asked.
        dataset: all the rows.
        asking: how rows are asked.
        in_parts: whether it is looked at before its end; then the numbers of its rows stay in memory.

    Raises:
        AlteredError: nothing is stored, and what the candidate was made of is no longer there to be asked.
    """
    identity = identity_of(workspace, candidate, dataset)
    stored = workspace.store.load(identity)
    people = People(judges_of(workspace.loaded) if asking.labels else (), asking.labels)
    if stored is not None:
        workspace.spend.reuse(len(stored.rows))
        yield await asyncio.to_thread(Stored, stored, workspace, people)
        return
    check_unaltered(workspace.loaded, candidate)
    expected = await _expected(workspace, candidate, dataset)
    label = f"{dataset.split} · {candidate.label}"
    how = how_asked(workspace, candidate)
    refuse = await refused(workspace, candidate, dataset, asking, label, how)
    slices = workspace.loaded.app.datasets.columns.slices
    metrics = [scorer.metric.name for scorer in workspace.scorers if scorer.metric.of_rows]
    async with AsyncExitStack() as outer:
        part = outer.enter_context(workspace.store.part())
        writing = await outer.enter_async_context(AsyncExitStack())
        asked = await writing.enter_async_context(open_asking(candidate, **how))
        take = await writing.enter_async_context(_followed(asking.follow, identity, candidate, dataset, workspace))
        writer = writing.enter_context(RowsWriter(part / NAME, slices, metrics))
        shown = writing.enter_context(bar(label, len(dataset.rows)))
        counter = _Counter(label, len(dataset.rows), shown, workspace, candidate)
        await writing.enter_async_context(_watched(asking.watch, counter.progress))
        work = _Work(
            workspace=workspace,
            candidate=candidate,
            dataset=dataset,
            identity=identity,
            expected=expected,
            file=part / NAME,
            writer=writer,
            take=take,
            refuse=refuse,
            people=people,
            defers=asking.deferred and any(not isinstance(each, Scorer) for each in workspace.scorers),
            in_parts=in_parts,
        )
        yield UnderWay(work, counter, writing, asked)


class _Work(NamedTuple):
    """What an evaluation under way is made with."""

    workspace: "Workspace"
    candidate: Candidate
    dataset: Dataset
    identity: str
    expected: Expected
    file: Path
    writer: RowsWriter
    take: Take
    refuse: Refuse | None
    people: People
    defers: bool
    in_parts: bool


class _Counter:
    """Counts answers for whoever watches."""

    def __init__(self, label: str, total: int, shown: Bar, workspace: "Workspace", candidate: Candidate) -> None:
        self._label, self._total, self._shown, self._spend = label, total, shown, workspace.spend
        self._limiter = _limiter(workspace, candidate)
        self._began, self._price = time.monotonic(), workspace.spend.price
        self._done = self._failed = 0

    def count(self, answer: Answer) -> None:
        self._done += 1
        self._failed += answer.outcome is not Outcome.OK
        self._shown.advance(self.progress().note)

    def progress(self) -> Progress:
        at_once = self._limiter.in_flight if self._limiter else None
        seconds, spent = time.monotonic() - self._began, self._spend.price - self._price
        return Progress(self._label, self._done, self._total, self._failed, seconds, at_once, spent)


def how_asked(workspace: "Workspace", candidate: Candidate) -> dict[str, Any]:
    """Returns what asking a candidate takes beside the rows, its index included."""
    retrieval, index = workspace.loaded.app.retrieval, None
    if candidate.retrieval is not None:
        store = retrieval.store if retrieval else EmbeddedStore()
        index = open_index(workspace.indexes, candidate.retrieval.index, store)
    return {
        "loaded": workspace.loaded,
        "journal": workspace.journal,
        "epoch": workspace.epoch,
        "spend": workspace.spend,
        "index": index,
    }


async def _expected(workspace: "Workspace", candidate: Candidate, dataset: Dataset) -> Expected:
    """Says and returns what asking will take, before anything is spent."""
    repeats, parameters = workspace.loaded.app.repeats, candidate.parameters
    if repeats > 1 and parameters is not None and parameters.temperature == 0:
        say(f"the {repeats} answers to a row may all be the same: {candidate.label} is asked at temperature 0")
    expected = await estimate_asking(workspace, candidate, dataset)
    workspace.spend.expected_calls += expected.calls
    workspace.spend.expected_price += expected.price or 0.0
    if expected.calls:
        say(f"{dataset.split} · {candidate.label}: at most about {expected}")
    return expected


def _followed(
    follow: Follow | None, identity: str, candidate: Candidate, dataset: Dataset, workspace: "Workspace"
) -> AbstractAsyncContextManager[Take]:
    if follow is None:
        return nullcontext(lambda _: None)
    return follow(identity, candidate, dataset, workspace.epoch)


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
