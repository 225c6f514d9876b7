"""A page as Markdown, for Prefect: tables, and the forest plot as text, which needs no image to be fetched."""

from collections.abc import Iterable, Iterator, Sequence

from tasks.pages.escaping import plain as _plain
from tasks.pages.forest import as_text
from tasks.pages.numbers import number
from tasks.pages.page import Answered, Page, RowShown
from tasks.pages.tables import measurement_table

_WIDTH = 130
"""Characters of the forest plot's lines."""
_ASCII = str.maketrans("├┤─●│┼◄►", "[]-o||<>")
"""Prefect's font has no lines to draw with, and what browsers put in their place is wider than a letter."""
_TEXT = 400
"""Characters of a question or answer; MLflow and the file beside the evaluation have the whole."""


def as_markdown(page: Page) -> str:
    """Returns the page as Markdown; what users and models wrote is escaped, and can be no mark-up, image or link."""
    return "\n\n".join(part for part in _parts(page) if part) + "\n"


def _parts(page: Page) -> Iterator[str]:
    yield f"# {_plain(page.headline)}"
    yield "\n".join(f"- **{_plain(side.name)}**: {_plain(side.facts)}" for side in (page.one, page.other) if side)
    if page.changed:
        yield f"**Changed since the epoch before:** {_plain(', '.join(page.changed))}"
    plot = "\n".join(as_text(page.panels, _WIDTH)).translate(_ASCII).replace("`", "'")
    yield f"```text\n{plot}\n```" if plot else ""
    if page.rules:
        yield "## Rules"
        yield _table(("rule", "decision", "reason"), ((r.rule, str(r.decision), r.reason) for r in page.rules))
    yield from _rows(page)
    if page.metrics:
        yield "## Metrics"
        yield _table(*measurement_table(page, page.metrics))
    if page.slices:
        yield "## Slices"
        yield _table(*measurement_table(page, page.slices))
    yield "## Cost"
    yield _table(*measurement_table(page, page.costs))
    if page.unanswered:
        yield "## Rows without an answer"
        yield "\n".join(f"- {_plain(cause)}" for cause in page.unanswered)
    if page.conclusive:
        yield "## What would make it conclusive"
        yield _plain(page.conclusive)
        yield "\n".join(f"- **{_plain(need.rule)}**: {_plain(need.words)}" for need in page.needs)
    yield "\n".join(f"- {_plain(note)}" for note in page.notes)
    yield " · ".join(f"[{name}]({address})" for name, address in page.links.items())


def _rows(page: Page) -> Iterator[str]:
    for title, rows in ((page.worst_title, page.worst), (page.best_title, page.best)):
        if rows:
            yield f"## {_plain(title)}"
            names = [page.one.name, *([page.other.name] if rows[0].other and page.other else [])]
            yield _table(("row", "question", *names, "reference"), (_row(row) for row in rows))


def _row(row: RowShown) -> tuple[str, ...]:
    place = f"{row.row_id} ({row.slices})" if row.slices else row.row_id
    sides = (_answer(side) for side in (row.one, row.other) if side)
    return (place, _cut(row.question), *sides, _cut(row.reference))


def _answer(side: Answered) -> str:
    scores = ", ".join(f"{each.metric} {number(each.value)}" for each in side.scores)
    said = _cut(side.answer) if side.outcome == "ok" else f"{side.outcome}: {_cut(side.answer)}"
    return f"{said} ({scores})" if scores else said


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [tuple(map(_plain, head)), tuple("---" for _ in head), *(tuple(map(_plain, row)) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) if len(lines) > 2 else ""


def _cut(text: str) -> str:
    return text if len(text) <= _TEXT else f"{text[:_TEXT]}… ({len(text):,} characters)"
