"""Artifacts in the Prefect UI: tables, Markdown and links under stable keys, so that the UI keeps their history."""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from tasks.progress import Progress


def artifact_key(*parts: str) -> str:
    """Returns a key of lower-case letters, digits and dashes: what Prefect allows."""
    return re.sub(r"[^a-z0-9]+", "-", "-".join(parts).lower()).strip("-")


async def table(key: str, rows: Sequence[Mapping[str, Any]], description: str) -> None:
    """Publishes a table; an empty one is published as a line of Markdown, since the UI shows nothing for it."""
    from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact

    if not rows:
        await acreate_markdown_artifact(f"{description}\n\n(no rows)", key=key, description=description)
        return
    await acreate_table_artifact(
        [{k: _cell(v) for k, v in row.items()} for row in rows], key=key, description=description
    )


async def markdown(key: str, text: str, description: str) -> None:
    """Publishes Markdown."""
    from prefect.artifacts import acreate_markdown_artifact

    await acreate_markdown_artifact(text, key=key, description=description)


async def link(key: str, address: str, text: str) -> None:
    """Publishes a link."""
    from prefect.artifacts import acreate_link_artifact

    await acreate_link_artifact(address, link_text=text, key=key, description=text)


def progress_artifact(key: str) -> Callable[[Progress], Awaitable[None]]:
    """Returns what shows how far long work is, as a bar that is published when it is told for the first time."""
    artifact: UUID | None = None

    async def tell(progress: Progress) -> None:
        nonlocal artifact
        from prefect.artifacts import acreate_progress_artifact, aupdate_progress_artifact

        share = 100.0 * progress.done / progress.total if progress.total else 100.0
        if artifact is None:
            artifact = await acreate_progress_artifact(share, key=key, description=str(progress))
        else:
            await aupdate_progress_artifact(artifact, share, description=str(progress))

    return tell


def markdown_table(rows: Iterable[Mapping[str, Any]]) -> str:
    """Returns a Markdown table of rows that share their keys; "" for none."""
    rows = list(rows)
    if not rows:
        return ""
    head = list(rows[0])
    lines = [" | ".join(head), " | ".join("---" for _ in head)]
    lines += [" | ".join(str(_cell(row[key])).replace("|", "\\|").replace("\n", " ") for key in head) for row in rows]
    return "\n".join(f"| {line} |" for line in lines)


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, float):
        return round(value, 4)
    return value if isinstance(value, str | int | bool) else str(value)
