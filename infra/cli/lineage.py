"""`lifecycle lineage CANDIDATE`: everything that a candidate came from."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.tree import Tree

    from tasks.lineage.link import Link


def lineage(
    candidate: Annotated[
        str,
        typer.Argument(
            help="A digest or its beginning, champion, best, latest, or a released version.", show_default=False
        ),
    ],
    app: Annotated[str | None, typer.Option("--app", help="Name or path of the app; any for a digest.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Show the whole chain of a candidate: releases, verdicts, parts, and what each was made of; nothing is asked."""
    from configs.loading import load_app
    from tasks.lineage.finding import found
    from tasks.lineage.lineage import known_of, lineage_of

    meant = found(candidate, load_app(app).app.name if app else None)
    chain = lineage_of(known_of(meant.store, meant.app), meant.candidate)
    if as_json:
        sys.stdout.write(chain.model_dump_json(indent=2) + "\n")
        return
    from rich.console import Console

    Console(highlight=False).print(_tree(chain))


def _tree(link: "Link", parent: "Tree | None" = None) -> "Tree":
    from rich.markup import escape
    from rich.tree import Tree

    text = f"[bold]{escape(link.what)}[/] {escape(link.name)}"
    text += "".join(f"\n  {escape(name)}: {escape(value)}" for name, value in link.facts.items())
    tree = parent.add(text) if parent is not None else Tree(text)
    for each in link.made_of:
        _tree(each, tree)
    return tree
