"""`lifecycle page`: pages for people, each one HTML file that needs nothing else."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

commands = typer.Typer(no_args_is_help=True, help="Pages for people: one HTML file each, without scripts.")


@commands.callback()
def _pages() -> None:
    """Keeps `operations` a word of its own while it is the only page."""


@commands.command()
def operations(
    app: Annotated[str, typer.Option("--app", help="Name or path of the app.", show_default=False)],
    days: Annotated[int, typer.Option(min=1, max=3650, help="Days to look back.")] = 30,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="PATH", help="The file; in the results store where not given.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output; no file.")] = False,
) -> None:
    """Draw how an app does in operation: the five dimensions over time, releases, requests, spend; nothing is asked."""
    from tasks.pages.operations.draw import operations_file
    from tasks.pages.operations.gather import operations_of
    from tasks.pages.operations.html import as_html
    from tasks.serving.record import record_store
    from tasks.workspace import open_workspace
    from tasks.writing import write_whole

    with open_workspace(app) as workspace, record_store(workspace.name) as store:
        page = operations_of(workspace, store, datetime.now(UTC), days)
        file = html or operations_file(workspace.store.folder)
    if as_json:
        sys.stdout.write(page.model_dump_json(indent=2) + "\n")
        return
    write_whole(file, as_html(page).encode("utf-8", "replace"))
    typer.echo(page.headline, err=True)
    typer.echo(file)
