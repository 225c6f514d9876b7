"""Shows a benchmark's table in the terminal, and writes it as a page of docs/benchmarks."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.figure import Figure, Row
from benchmarks.machine import machine, today

PAGES = Path(__file__).parents[1] / "docs" / "benchmarks"

_REACHED = {True: "yes", False: "**no**", None: "–"}
_COLOURED = {True: "[green]yes[/]", False: "[red]no[/]", None: "–"}


def show(title: str, rows: Sequence[Row]) -> None:
    """Prints the table on standard output."""
    table = Table("", "measured", "figure", "reach", "reached", "from", title=title, show_lines=True)
    for row in rows:
        for position, figure in enumerate(row.figures):
            number = str(row.number) if position == 0 else ""
            table.add_row(number, figure.what, figure.shown, figure.shown_reach, _COLOURED[figure.reached], figure.note)
    Console().print(table)


def write(title: str, command: str, about: str, compared: Mapping[str, str], rows: Sequence[Row], path: Path) -> None:
    """Writes the page.

    Args:
        title: the heading.
        command: what makes this page.
        about: a paragraph that all rows share.
        compared: versions, by name.
        rows: the table.
        path: the file.
    """
    lines = [
        f"# {title}",
        "",
        f"Written by `{command}` on {today()}: {machine()}.",
        f"Versions: {', '.join(f'{name} {number}' for name, number in compared.items())}.",
        "",
        about,
        "",
        "| | measured | figure | reach | reached | from |",
        "| --- | --- | --- | --- | --- | --- |",
        *(_line(row, position, figure) for row in rows for position, figure in enumerate(row.figures)),
        "",
        "## How each row is measured",
        "",
        *(f"{row.number}. **{row.title}.** {row.how}" for row in rows),
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _line(row: Row, position: int, figure: Figure) -> str:
    number = str(row.number) if position == 0 else ""
    cells = (number, figure.what, figure.shown, figure.shown_reach, _REACHED[figure.reached], figure.note)
    return f"| {' | '.join(cells)} |"
