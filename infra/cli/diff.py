"""`lifecycle diff A B`: what became of one dataset in another; no server is asked."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from configs.settings import settings

if TYPE_CHECKING:
    from rich.console import Console

    from tasks.curating.differing import Difference

_WHAT = (
    "A file, APP/SPLIT, or a curated version: its digest, DIGEST/SPLIT, or with --app latest or production-reviewed."
)
_SHOWN = 20


def diff(
    one: Annotated[str, typer.Argument(metavar="DATASET_A", help=_WHAT, show_default=False)],
    other: Annotated[str, typer.Argument(metavar="DATASET_B", help="What became of it.", show_default=False)],
    app: Annotated[
        str | None, typer.Option("--app", help="App whose columns and versions are meant.", show_default=False)
    ] = None,
    by: Annotated[
        str | None, typer.Option("--by", metavar="COLUMN", help="Column of the classes; the app's where not given.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Show which rows were added, removed and changed, which columns, and how many rows each class has."""
    from tasks.curating.differing import difference
    from tasks.curating.named import named_dataset

    # No folder is made for a question.
    home = settings().home.absolute()
    before, after = named_dataset(one, home, app), named_dataset(other, home, app)
    # Where only one of the two says which column names its rows, and by which they are counted, it says so for both.
    first = after if before.classes is None and after.classes is not None else before
    found = difference((before.name, after.name), before.records, after.records, first.columns.id, by or first.classes)
    if as_json:
        sys.stdout.write(found.model_dump_json(indent=2) + "\n")
        return
    from rich.console import Console

    _print(Console(highlight=False), found)


def _print(console: "Console", found: "Difference") -> None:
    console.print(
        f"{found.before} → {found.after}: {found.rows_before} → {found.rows_after} rows; {found.same} the same, "
        f"{len(found.added)} added, {len(found.removed)} removed, {len(found.changed)} changed, "
        f"{len(found.renamed)} under another id",
        markup=False,
    )
    for label, names in (("columns added", found.columns_added), ("columns removed", found.columns_removed)):
        if names:
            console.print(f"{label}: {', '.join(names)}", markup=False)
    renamed = [f"{each.before} → {each.after}" for each in found.renamed]
    for label, rows in (("added", found.added), ("removed", found.removed), ("renamed", renamed)):
        if rows:
            console.print(f"{label}: {_listed(rows)}", markup=False)
    for row in found.changed[:_SHOWN]:
        parts = [f"{name}: {_short(before)} → {_short(after)}" for name, (before, after) in row.columns.items()]
        console.print(f"changed {row.id}: {'; '.join(parts)}", markup=False)
    if len(found.changed) > _SHOWN:
        console.print(f"… and {len(found.changed) - _SHOWN} more changed; --json has them all", markup=False)
    if found.balance:
        from rich.table import Table

        table = Table(found.class_column or "class", "before", "after", "change")
        for name, (before, after) in list(found.balance.items())[: 2 * _SHOWN]:
            table.add_row(name, str(before), str(after), f"{after - before:+d}")
        console.print(table)


def _listed(rows: "tuple[str, ...] | list[str]") -> str:
    more = f", … ({len(rows) - _SHOWN} more; --json has them all)" if len(rows) > _SHOWN else ""
    return ", ".join(rows[:_SHOWN]) + more


def _short(text: str) -> str:
    line = " ".join(text.split())
    return repr(line if len(line) <= 60 else line[:59] + "…")
