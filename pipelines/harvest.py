"""Harvest: what production was asked goes before people, and what they say of it becomes the next dataset version."""

from collections import Counter
from typing import Any, Literal

from prefect import flow

from configs.schema.base import Frozen
from pipelines.parameters import App, Changes
from pipelines.run_names import run_name
from pipelines.spent import Spent
from tasks.curating.balance import balance_of
from tasks.curating.curation import counted
from tasks.harvesting.admitting import Admitted, admit
from tasks.harvesting.picked import Picked
from tasks.harvesting.queue import Queue, queue_path
from tasks.harvesting.selecting import Selection, select
from tasks.harvesting.showing import read_reviews, show_queue
from tasks.harvesting.versioning import Reviewed, make_version, record_reviewed
from tasks.joining import joined
from tasks.orchestrating.artifacts import artifact_key, link, markdown, table
from tasks.orchestrating.automations import is_awaited
from tasks.orchestrating.events import ENOUGH_LABELLED, emit
from tasks.orchestrating.step import step
from tasks.progress import say
from tasks.serving.record import RecordStore, record_store
from tasks.workspace import Workspace, open_workspace

_SHOWN = 200


class Version(Frozen):
    """The version of what people have said."""

    verdict: Literal["PASS", "FAIL"]
    """FAIL where the app's own splits give each other away, or what was made breaks the contract of its data."""
    reason: str
    digest: str | None
    """Names it; None where it was blocked, or no row is left."""
    splits: dict[str, str]
    """Digest of each split's rows."""
    rows: dict[str, int]
    """Rows of each split."""
    apart: dict[str, int]
    """Rows set apart, by reason."""
    balance: dict[str, dict[str, int]]
    """Rows of each class in each split."""
    folder: str
    """Where its files are; "" where there is none."""


class Harvested(Spent):
    """What `harvest` picked, and what came of what people said."""

    app: str
    requests: int
    """Requests that were gone through."""
    flagged: int
    """How many of them are flagged."""
    picked: int
    """Requests that are new in the queue."""
    because: dict[str, int]
    """How many of those were picked for each kind of reason."""
    passed_over: dict[str, int]
    """Requests that were selected and left out, by reason."""
    read_back: int
    """Picks of which people have said something in MLflow."""
    queue: dict[str, int]
    """Picks in each state."""
    version: Version | None
    """The version of all that people have said; None before they have said anything."""
    next: str
    """What goes on by itself, or what to type."""
    links: dict[str, str]

    @property
    def exit_code(self) -> int:
        """3 where the version was blocked, else 0."""
        return 3 if self.version and self.version.verdict == "FAIL" else 0


@flow(name="harvest", flow_run_name=run_name("harvest"))
async def harvest(app: App = "outfitter", changes: Changes = []) -> Harvested:  # noqa: B006 a form's default
    """Picks served requests for people to look at, and makes a dataset version of what they have said.

    Picked are down-voted, flagged and badly scored requests, those that two candidates answered otherwise, and a random
    share of all, without personal data and each question once. People accept an answer, write the right one, or reject
    the request, in the terminal (`lifecycle review`) or in MLflow. Enough newly labelled requests start
    augment.

    Args:
        app: Name or path of the app.
        changes: Changes of the configuration for this run only, as key=value.
    """
    with (
        open_workspace(app, tuple(changes), asks=True) as workspace,
        record_store(workspace.name) as store,
        Queue(queue_path(workspace.home, workspace.name)) as queue,
    ):
        async with joined(workspace.locks, f"harvest-{workspace.name}"):
            read_back = await step("read what people said in MLflow", lambda: _read_back(workspace, queue))
            selection = await step("look through the requests", lambda: select(workspace, store, queue))
            admitted = await step("enter the queue", lambda: _entered(workspace, store, queue, selection))
            await step("show the queue in MLflow", lambda: _shown(workspace, queue, store))
            reviewed = await step("make the version of what people said", lambda: make_version(workspace, queue))
            run = await step("record in MLflow", lambda: _recorded(workspace, reviewed)) if reviewed else ""
            further = await _go_on(workspace, app, queue, reviewed)
        counts = queue.counts()
        say(
            f"harvest: {selection.requests} requests looked at, {len(admitted.picked)} new in the queue, "
            f"{counts['pending']} wait{f'; {reviewed.made.reason}' if reviewed else ''}"
        )
        if further:
            say(further)
        await _publish(workspace, admitted, reviewed, run)
        return Harvested(
            app=workspace.name,
            requests=selection.requests,
            flagged=selection.flagged,
            picked=len(admitted.picked),
            because=dict(Counter(kind for each in admitted.picked for kind in {r.kind for r in each.because})),
            passed_over=dict(Counter(each.reason for each in admitted.passed_over)),
            read_back=read_back,
            queue=dict(counts),
            version=_version(reviewed) if reviewed else None,
            next=further,
            links={"mlflow": run} if run else {},
            **workspace.spend.as_dict(),
        )


async def _read_back(workspace: Workspace, queue: Queue) -> int:
    return read_reviews(workspace.name, queue)


async def _entered(workspace: Workspace, store: RecordStore, queue: Queue, selection: Selection) -> Admitted:
    admitted = await admit(workspace, store, queue, selection)
    queue.enter(admitted.picked, admitted.passed_over, selection.again, admitted.draws, selection.reached)
    return admitted


async def _shown(workspace: Workspace, queue: Queue, store: RecordStore) -> int:
    return show_queue(workspace.name, queue, store)


async def _recorded(workspace: Workspace, reviewed: Reviewed) -> str:
    return record_reviewed(workspace, reviewed)


async def _go_on(workspace: Workspace, app: str, queue: Queue, reviewed: Reviewed | None) -> str:
    """Starts `augment` once for enough newly labelled requests, and says what goes on or what is to be done.

    Requests are counted, not rows: a row that the app has adopted is in no version of this any more.
    """
    pending, wanted = queue.counts()["pending"], workspace.loaded.app.harvest.augment_after
    by_hand = f"`lifecycle review --app {app}` shows the {pending} that wait" if pending else ""
    if reviewed is None or reviewed.version is None or wanted is None:
        return by_hand
    new = reviewed.picks - queue.started
    if new < wanted:
        return by_hand
    # Noted first: a run that is killed in between starts nothing rather than the same twice.
    queue.start(reviewed.picks)
    rows = sum(reviewed.made.manifest.rows.values())
    emit(ENOUGH_LABELLED, workspace.name, {"version": reviewed.version.digest, "rows": rows, "new": new})
    if await is_awaited(ENOUGH_LABELLED, workspace.name):
        return f"{new} newly labelled requests: augment starts by itself while the stack is up"
    return f"{new} newly labelled requests: `lifecycle run augment --app {app}` makes the next candidate"


def _version(reviewed: Reviewed) -> Version:
    made, version = reviewed.made, reviewed.version
    return Version(
        verdict=reviewed.verdict,
        reason=made.reason,
        digest=version.digest if version else None,
        splits=made.manifest.splits if version else {},
        rows=made.manifest.rows if version else {},
        apart=counted(made.done.apart),
        balance=balance_of(made.done.items) if version else {},
        folder=str(version.folder) if version else "",
    )


def _line(pick: Picked) -> dict[str, Any]:
    return {
        "request": pick.request,
        "because": "; ".join(map(str, pick.because)),
        "question": pick.question[:200],
        "answer": (pick.answer or pick.cause)[:200],
    }


async def _publish(workspace: Workspace, admitted: Admitted, reviewed: Reviewed | None, run: str) -> None:
    name = workspace.name
    picked = [_line(each) for each in admitted.picked[:_SHOWN]]
    await table(artifact_key(name, "harvest"), picked, f"Requests that are new in the queue of {name}")
    if reviewed:
        await markdown(artifact_key(name, "harvest", "version"), reviewed.page, "What people said, as rows")
        await link(artifact_key(name, "harvest", "mlflow"), run, "The version in MLflow")
