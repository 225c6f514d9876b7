"""`lifecycle compare A B`: two evaluations, candidates or releases beside each other; nothing is asked."""

import sys
from pathlib import Path
from typing import Annotated, Literal, cast

import typer

from configs.schema.dataset import Split

Data = Literal["sample", "full", "redteam", "production"]
_WHAT = "An evaluation, candidate or release; or champion, best, latest."


def compare(
    one: Annotated[str, typer.Argument(metavar="A", help=_WHAT, show_default=False)],
    other: Annotated[str, typer.Argument(metavar="B", help="What it is compared with.", show_default=False)],
    app: Annotated[str, typer.Option("--app", help="Name or path of the app.", show_default=False)],
    data: Annotated[
        Data | None, typer.Option("--data", help="Data of the evaluations; the largest where not given.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="PATH", help="Also write the page as one HTML file.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Show what A does better or worse than B, paired row by row, from what is stored."""
    from tasks.comparing import compared
    from tasks.pages.compose import compose
    from tasks.pages.html import as_html
    from tasks.workspace import open_workspace
    from tasks.writing import write_whole

    with open_workspace(app) as workspace:
        pair = compared(workspace, one, other, cast("Split | None", data))
        configured = workspace.loaded.app
        rules = (*configured.gates.release.rules, *configured.gates.sample.rules)
        page = compose(
            pair.one,
            pair.other,
            workspace.metrics,
            rank_by=configured.explore.rank_by,
            names=(_called(one), _called(other)),
            about=[rule.metric for rule in rules],
        )
    if html is not None:
        write_whole(html, as_html(page).encode("utf-8", "replace"))
    if as_json:
        sys.stdout.write(page.model_dump_json(indent=2) + "\n")
        return
    from rich.console import Console

    from infra.cli.page import print_page

    print_page(Console(highlight=False), page)


def _called(word: str) -> str:
    """Returns what a side is called on the page: the beginning of a digest is enough."""
    return word[:8] if len(word) == 16 else word
