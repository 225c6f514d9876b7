"""Describes a curation: its manifest, and the page that both UIs show of it."""

from collections.abc import Sequence
from pathlib import Path

from configs.loading import LoadedApp
from tasks.curating.balance import balance_of, balance_rows, few_in_words
from tasks.curating.curation import Curation, counted
from tasks.curating.gathering import Gathered
from tasks.curating.item import Item
from tasks.curating.versions import Manifest, rows_as_read
from tasks.data.reading import digest_of
from tasks.orchestrating.artifacts import markdown_table

_SHOWN = 50


def manifest_of(loaded: LoadedApp, gathered: Gathered, done: Curation) -> Manifest:
    """Returns what describes a curation that was not blocked."""
    columns = loaded.app.datasets.columns
    of_side = {side: done.of_side(side) for side in sides_of(done)}
    sources = {name: digest for name, digest in gathered.digests.items() if name not in _guarded(gathered)}
    return Manifest(
        app=loaded.app.name,
        settings={
            "curate": loaded.app.curate.model_dump(mode="json"),
            "columns": columns.model_dump(mode="json", exclude_none=True),
        },
        sources=sources,
        guarded={name: digest for name, digest in gathered.digests.items() if name in _guarded(gathered)},
        splits={side: digest_of(rows_as_read(items, Path(side), columns), columns) for side, items in of_side.items()},
        rows={side: len(items) for side, items in of_side.items()},
        funnel=tuple(done.funnel),
        apart=counted(done.apart),
        balance=balance_of(done.items),
        synthetic=_synthetic(done),
    )


def sides_of(done: Curation) -> tuple[str, ...]:
    """Returns the splits that have rows, by name."""
    return tuple(sorted({item.side for item in done.items}))


def page_of(app: str, done: Curation, verdict: str, reason: str, version: str | None) -> str:
    """Returns the Markdown page of a curation: from its sources to its result."""
    parts = [f"# Curation of {app}: {verdict}", reason]
    if version:
        parts.append(f"Version `{version}`")
    parts += ["## From source to result", markdown_table(done.funnel)]
    if done.leaks:
        parts += ["## Rows that give each other away", markdown_table([leak.as_row() for leak in done.leaks[:_SHOWN]])]
    if done.items and not done.leaks:
        balance = balance_of(done.items)
        few = few_in_words(balance)
        parts += ["## Classes", f"warning: {few}" if few else "", markdown_table(balance_rows(balance))]
    if done.apart:
        parts += ["## Set apart", markdown_table(apart_rows(done)[:_SHOWN])]
    if done.taught.asked:
        parts += ["## Synthetic rows", markdown_table([_synthetic(done)])]
    return "\n\n".join(part for part in parts if part)


def apart_rows(done: Curation) -> list[dict[str, str]]:
    """Returns the rows that were set apart as lines of a table."""
    return [
        {
            "row": each.item.row.id,
            "from": each.item.source,
            "set apart": each.reason,
            "because": each.detail,
            "question": each.item.row.question[:200],
        }
        for each in done.apart
    ] + [
        {"row": each.where, "from": "a file", "set apart": "no row", "because": each.cause, "question": ""}
        for each in done.broken
    ]


def _guarded(gathered: Gathered) -> frozenset[str]:
    return frozenset(item.source for item in gathered.guarded)


def _synthetic(done: Curation) -> dict[str, str | int]:
    taught = done.taught
    if not taught.asked and not taught.remark:
        return {}
    kept = sum(item.source == "synthetic" for item in done.items)
    return {"parts asked about": taught.asked, "rows written": taught.written, "kept": kept, **taught.rejected}


def by_side(done: Curation) -> dict[str, Sequence[Item]]:
    """Returns the rows of each split, in the order in which they are written."""
    return {side: done.of_side(side) for side in sides_of(done)}
