"""A page of an evaluation in the terminal: as wide as that is, and readable without colour."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from tasks.pages.forest import as_text
from tasks.pages.numbers import number, printable
from tasks.pages.page import Answered, Page, RowShown
from tasks.pages.tables import measurement_table

if TYPE_CHECKING:
    from rich.console import Console

_STYLES = {"PASS": "green", "FAIL": "red", "INCONCLUSIVE": "yellow", "better": "green", "worse": "red"}
_TEXT = 160
_ROWS = 3
"""Rows at either end."""


def print_page(console: "Console", page: Page) -> None:
    """Prints a page; what users and models wrote can neither style nor steer the terminal."""
    console.print(Text(printable(page.headline), style=f"bold {_STYLES.get(page.decision or '', '')}"))
    for side in (page.one, page.other):
        if side:
            console.print(Text(printable(f"{side.name}: {side.facts}")))
    if page.changed:
        console.print(Text(printable(f"changed since the epoch before: {', '.join(page.changed)}")))
    console.print(Text(printable("\n".join(as_text(page.panels, console.width)))), soft_wrap=True)
    if page.rules:
        console.print(
            _table("Rules", ("rule", "decision", "why"), [(r.rule, r.decision, r.reason) for r in page.rules])
        )
    for title, rows in ((page.worst_title, page.worst), (page.best_title, page.best)):
        _print_rows(console, page, title, rows[:_ROWS])
    slices = [each for each in page.slices if each.one.metric in page.by]
    for title, measured in (("Slices", slices), ("Cost", page.costs)):
        if measured:
            head, cells = measurement_table(page, measured)
            # Coverage, direction and the slices of every metric are on the other forms of the page.
            console.print(_table(title, head[:-2], [row[:-2] for row in cells]))
    for cause in page.unanswered:
        console.print(Text(printable(f"without an answer: {cause}")))
    if page.conclusive:
        console.print(Text("What would make it conclusive", style="bold"))
        console.print(Text(printable(page.conclusive)))
        for need in page.needs:
            console.print(Text(printable(f"- {need.rule}: {need.words}")))
    for note in page.notes:
        console.print(Text(note, style="dim"))


def _print_rows(console: "Console", page: Page, title: str, rows: Sequence[RowShown]) -> None:
    if not rows:
        return
    names = [page.one.name, *([page.other.name] if rows[0].other and page.other else [])]
    lines = [
        (f"{row.row_id}\n{row.slices}".rstrip(), _cut(row.question), *(_answer(s) for s in (row.one, row.other) if s))
        for row in rows
    ]
    console.print(_table(title, ("row", "question", *names), lines, lines=True))


def _answer(side: Answered) -> str:
    scores = "".join(f"\n{each.metric} {number(each.value)}" for each in side.scores)
    said = _cut(side.answer) if side.outcome == "ok" else f"{side.outcome}: {_cut(side.answer)}"
    return f"{said}{scores}"


def _table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]], *, lines: bool = False) -> Table:
    table = Table(title=Text(printable(title)), title_justify="left", title_style="bold", show_lines=lines)
    for name in head:
        table.add_column(Text(name), overflow="fold")
    for row in rows:
        table.add_row(*(Text(printable(str(cell)), style=_STYLES.get(str(cell), "")) for cell in row))
    return table


def _cut(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= _TEXT else f"{flat[:_TEXT]}…"
