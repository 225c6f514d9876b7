"""Draws the operations page of an app into its folder."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.pages.operations.gather import operations_of
from tasks.pages.operations.html import as_html
from tasks.serving.record import RecordStore
from tasks.writing import write_whole

if TYPE_CHECKING:
    from tasks.workspace import Workspace

DAYS = 30
"""Days that the page looks back, where nobody says otherwise."""


def operations_file(folder: Path) -> Path:
    """Returns where an app's page is, by its folder in the results store."""
    return folder / "operations.html"


def draw_operations(workspace: "Workspace", store: RecordStore, until: datetime) -> str:
    """Returns the page as HTML, and writes it in place of the one before.

    Args:
        workspace: the app.
        store: its served requests.
        until: end of the page's time, in UTC.

    Raises:
        DataError: the disk is full or refuses to be written.
    """
    page = as_html(operations_of(workspace, store, until, DAYS))
    write_whole(operations_file(workspace.store.folder), page.encode("utf-8", "replace"))
    return page
