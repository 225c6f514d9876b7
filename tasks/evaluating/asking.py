"""How the rows of an evaluation are asked: at once or deferred, all or only those that failed."""

from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from configs.errors import ConfigurationError
from tasks.calling.answer import Outcome
from tasks.calling.asking import Refusal, Refuse
from tasks.calling.deferring.defer import defer
from tasks.calling.targets import Question
from tasks.candidate import Candidate
from tasks.data.row import Dataset, Row
from tasks.judging.labels import Label
from tasks.progress import Progress, bar, say
from tasks.results.evaluation import Evaluation
from tasks.results.finding import find_evaluation

if TYPE_CHECKING:
    import pyarrow as pa

    from tasks.workspace import Workspace

Watch = Callable[[Progress], Awaitable[None]]
"""Told every now and then how far the asking is."""

Take = Callable[["pa.Table"], None]
"""Takes rows as they are written."""


class Follow(Protocol):
    """Follows an evaluation while it is asked."""

    def __call__(
        self, identity: str, candidate: Candidate, dataset: Dataset, epoch: str
    ) -> AbstractAsyncContextManager[Take]:
        """Gives what takes its rows."""


class Asking(NamedTuple):
    """How rows are asked.

    Attributes:
        deferred: through batch files first, at their price; a row that comes to nothing there is not called. So are
            judges, where their model's endpoint may have such files.
        only_failed: only the rows that came to nothing in the evaluation before.
        everything: all rows, however few would be enough to decide.
        watch: told every now and then how far it is.
        follow: takes the rows as they are written.
        labels: what people have said of answers; those to this evaluation's own correct its judges.
    """

    deferred: bool = False
    only_failed: bool = False
    everything: bool = False
    watch: Watch | None = None
    follow: Follow | None = None
    labels: tuple[Label, ...] = ()


async def refused(
    workspace: "Workspace", candidate: Candidate, dataset: Dataset, asking: Asking, label: str, how: dict[str, Any]
) -> Refuse | None:
    """Returns what says of a row that it is not called; None where every row is.

    Where rows are deferred, this is where they are asked.

    Args:
        workspace: the app.
        candidate: what is asked.
        dataset: all the rows.
        asking: how.
        label: shown beside the progress.
        how: what asking takes beside the rows.

    Raises:
        ConfigurationError: only what failed before is to be asked, and there is no evaluation before.
    """
    refuse = await _deferred(candidate, dataset, label, how) if asking.deferred else None
    if asking.only_failed:
        return _all_but(_failed_before(workspace, candidate, dataset), refuse)
    return refuse


def rows_to_ask(workspace: "Workspace", candidate: Candidate, dataset: Dataset, asking: Asking) -> Iterable[Row]:
    """Returns the rows of a dataset; where only what failed is asked, those that the evaluation before had asked.

    Raises:
        ConfigurationError: only what failed before is to be asked, and there is no evaluation before.
    """
    if not asking.only_failed:
        return dataset.rows
    asked = frozenset(_before(workspace, candidate, dataset).rows["row_id"])
    return (row for row in dataset.rows if row.id in asked)


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
    return done.refuse


def _failed_before(workspace: "Workspace", candidate: Candidate, dataset: Dataset) -> frozenset[str]:
    """Returns the rows without an answer or a score of the newest evaluation."""
    before = _before(workspace, candidate, dataset)
    incomplete = (before.rows["outcome"] != "ok") | before.rows["scorer_failed"]
    return frozenset(before.rows.loc[incomplete, "row_id"])


def _before(workspace: "Workspace", candidate: Candidate, dataset: Dataset) -> Evaluation:
    """Returns the newest evaluation of the same.

    Raises:
        ConfigurationError: there is none.
    """
    before = find_evaluation(workspace.store, candidate.digest, dataset.digest, workspace.epoch)
    if before is None:
        raise ConfigurationError(
            f"{candidate.label} has no evaluation on {dataset.name} in epoch {workspace.epoch}; "
            f"run evaluate without --only-failed first"
        )
    return before


def _all_but(failed: frozenset[str], refuse: Refuse | None) -> Refuse:
    def refuse_others(row: Row, question: Question) -> Refusal | None:
        if row.id not in failed:
            return Refusal(Outcome.SKIPPED, "not asked: only the rows that failed before are")
        return refuse(row, question) if refuse else None

    return refuse_others
