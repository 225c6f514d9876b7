"""What people have said of requests, made a version of a dataset as `curate` makes one."""

from dataclasses import replace
from typing import Literal, NamedTuple

from tasks.curating.describing import page_of
from tasks.curating.made import Made, made_of, save_made
from tasks.curating.rows import curate_rows
from tasks.curating.versions import REVIEWED, Version
from tasks.harvesting.labelled import gather_labelled
from tasks.harvesting.queue import Queue
from tasks.tracking.curations import record_curation
from tasks.workspace import Workspace


class Reviewed(NamedTuple):
    """The version of what people have said.

    Attributes:
        made: what it was made of, and what the checks say.
        version: as it was written; None where it was blocked, or no row is left.
        page: says in Markdown what became of each row.
        picks: requests that people have labelled, whatever became of them.
    """

    made: Made
    version: Version | None
    page: str
    picks: int

    @property
    def verdict(self) -> Literal["PASS", "FAIL"]:
        """FAIL where it was blocked."""
        return "PASS" if self.made.passed else "FAIL"


async def make_version(workspace: Workspace, queue: Queue) -> Reviewed | None:
    """Makes the version of all labelled picks, and has `production-reviewed` point at it; None where there are none.

    Nothing that no person has looked at is among them. Rows go the way of `curate`'s, to the splits of
    `curate.splits`: each cluster to one side, never to another than that which has it. Where the app's own splits give
    each other away, nothing is written.

    Args:
        workspace: the app.
        queue: the picks.

    Raises:
        CallFailure: the embedding model gave no usable vectors; what was embedded is journaled.
        DataError: the disk is full.
    """
    picks = queue.labelled()
    if not picks:
        return None
    own = _without_extras(workspace)
    gathered = gather_labelled(own, picks)
    made = made_of(own, gathered, await curate_rows(own, gathered))
    version = save_made(own, made, REVIEWED) if made.manifest.rows else None
    verdict = "PASS" if made.passed else "FAIL"
    page = page_of(workspace.name, made.done, verdict, made.reason, version.digest if version else None)
    return Reviewed(made, version, page, len(picks))


def record_reviewed(workspace: Workspace, reviewed: Reviewed) -> str:
    """Records a version in MLflow, once, and returns the run's address.

    Raises:
        StackError: MLflow does not answer or refuses it.
    """
    made, page = reviewed.made, reviewed.page
    manifest = made.manifest.model_dump(mode="json")
    recorded = record_curation(
        workspace.loaded, made.done, reviewed.verdict, page, made.datasets, made.report, manifest, stage="harvest"
    )
    return recorded.url


def _without_extras(workspace: Workspace) -> Workspace:
    """Returns the workspace of the same app whose curations ask no teacher, and for which one row is enough."""
    app = workspace.loaded.app
    curate = app.curate.model_copy(update={"synthetic": None, "class_column": None, "least_rows": 0})
    return replace(workspace, loaded=replace(workspace.loaded, app=app.model_copy(update={"curate": curate})))
