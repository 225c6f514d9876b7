"""Govern: the release log is whole, and every release has a page."""

import os
from typing import Annotated

from prefect import flow
from pydantic import Field

from configs.errors import ReleaseError
from configs.schema.base import Frozen
from pipelines.parameters import App, Changes
from pipelines.run_names import run_name
from tasks.orchestrating.artifacts import artifact_key, markdown, table
from tasks.orchestrating.naming import name_candidate
from tasks.orchestrating.step import step
from tasks.releasing.entry import Entry
from tasks.releasing.log import ReleaseLog, release_log
from tasks.releasing.page import release_page
from tasks.tracking.runs import record_page
from tasks.workspace import Workspace, open_workspace
from tasks.writing import write_whole


class Governed(Frozen):
    """What `govern` verified."""

    app: str
    entries: int
    whole: bool
    release: int
    """Number of the entry whose page was rendered."""
    page: str
    """File of that page, from the working folder."""
    links: dict[str, str]


@flow(name="govern", flow_run_name=run_name("govern"))
async def govern(
    app: App = "outfitter",
    release: Annotated[int | None, Field(ge=1)] = None,
    changes: Changes = [],  # noqa: B006 a form's default
) -> Governed:
    """Verifies the hash chain of the release log and renders one release's page.

    Args:
        app: Name or path of the app.
        release: Number of the release log's entry; the latest release where empty.
        changes: Changes of the configuration for this run only, as key=value.
    """
    with open_workspace(app, tuple(changes)) as workspace:
        log = release_log(workspace.name)
        entries = await step("verify the chain", lambda: _verified(log))
        entry = _entry(workspace, entries, release)
        await name_candidate(entry.candidate)
        page = release_page(workspace, entry)
        file = workspace.home / "releases" / f"{workspace.name}-{entry.sequence}.md"
        write_whole(file, page.encode())
        url = record_page(workspace.loaded, f"release {entry.sequence}", page)
        rows = [e.model_dump(mode="json", exclude={"verdicts", "evidence"}) for e in reversed(entries)]
        await table(artifact_key(workspace.name, "release-log"), rows[:200], "Release log, newest first")
        await markdown(artifact_key(workspace.name, "release"), page, f"Release {entry.sequence}")
        return Governed(
            app=workspace.name,
            entries=len(entries),
            whole=True,
            release=entry.sequence,
            page=os.path.relpath(file),
            links={"mlflow": url},
        )


async def _verified(log: ReleaseLog) -> tuple[Entry, ...]:
    log.verify()
    return log.entries()


def _entry(workspace: Workspace, entries: tuple[Entry, ...], number: int | None) -> Entry:
    released = [e for e in entries if e.kind == "commit"]
    if not released:
        raise ReleaseError(f"app {workspace.name} has released nothing yet; run loop or deploy first")
    if number is None:
        return released[-1]
    found = [e for e in released if e.sequence == number]
    if not found:
        known = ", ".join(str(e.sequence) for e in released)
        raise ReleaseError(f"entry {number} of {workspace.name}'s release log is no release; releases are {known}")
    return found[0]
