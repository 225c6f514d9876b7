"""A dataset as the table that expectations are set on: its own columns, and what each row says beyond one cell."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from configs.schema.dataset import Columns
from tasks.data.row import Dataset, Row

if TYPE_CHECKING:
    import pandas as pd

NEVER_SHARED = ("sample", "full", "examples")
"""Splits of which no two may share a row: else a candidate is judged on what it was shaped with."""


def required(dataset: Dataset, columns: Columns) -> list[str]:
    """Returns the columns that a dataset must have: attacks and traffic need no labels."""
    present = {name for row in dataset.rows for name in row.columns}
    turns = [name for name in (columns.question, columns.messages) if name]
    labels = [columns.reference, columns.documents, columns.cluster, columns.answerable, *columns.slices]
    needed = [
        columns.id,
        *([name for name in turns if name in present] or turns),
        *([] if dataset.split in ("redteam", "production") else labels),
    ]
    return list(dict.fromkeys(name for name in needed if name))


def contract_table(dataset: Dataset, shared: Mapping[str, str], document_ids: frozenset[str] | None) -> "pd.DataFrame":
    """Returns one line a row: the file's columns as they are, and what a row says beyond one cell.

    The latter are `row.id`, `row.conversation` (normalised), `row.length` (characters), `row.roles` (parted by blanks),
    `row.answerable`, and `row.unknown_documents`, `row.contradiction` and `row.shared`, which are "" where all is well.

    Args:
        dataset: what is checked.
        shared: for ids of rows that another dataset holds too, where that is.
        document_ids: ids of all documents; None where the app has none.
    """
    import pandas as pd

    rows = dataset.rows
    names = dict.fromkeys(name for row in rows for name in row.columns)
    return pd.DataFrame(
        {
            **{name: pd.Series([row.columns.get(name) for row in rows], dtype="object") for name in names},
            "row.id": [row.id for row in rows],
            "row.conversation": [conversation(row) for row in rows],
            "row.length": [sum(len(message.content) for message in row.messages) for row in rows],
            "row.roles": [" ".join(message.role for message in row.messages) for row in rows],
            "row.answerable": pd.Series([row.answerable for row in rows], dtype="object"),
            "row.unknown_documents": [_unknown(row.documents, document_ids) for row in rows],
            "row.contradiction": [_contradiction(row) for row in rows],
            "row.shared": [shared.get(row.id, "") for row in rows],
        }
    )


def shared_rows(datasets: Sequence[Dataset]) -> dict[str, dict[str, str]]:
    """Finds the rows that two of sample, full and examples share, by their id or by their normalised conversation.

    Returns:
        For each dataset's name, the ids of its shared rows and where each was found too (`outfitter/full row f12`).
    """
    apart = [dataset for dataset in datasets if dataset.split in NEVER_SHARED]
    found: dict[str, dict[str, str]] = {dataset.name: {} for dataset in datasets}
    for dataset in apart:
        others = [other for other in apart if other is not dataset]
        ids = {row.id: f"{other.name} row {row.id}" for other in others for row in other.rows}
        texts = {conversation(row): f"{other.name} row {row.id}" for other in others for row in other.rows}
        for row in dataset.rows:
            if where := ids.get(row.id) or texts.get(conversation(row)):
                found[dataset.name][row.id] = where
    return found


def conversation(row: Row) -> str:
    """Returns the row's messages as one text, in lower case, its blanks made single."""
    return " ".join(" ".join(message.content for message in row.messages).casefold().split())


def _unknown(documents: Iterable[str], document_ids: frozenset[str] | None) -> str:
    return "" if document_ids is None else ", ".join(name for name in documents if name not in document_ids)


def _contradiction(row: Row) -> str:
    if row.answerable is True and not row.documents:
        return "answerable without documents"
    if row.answerable is False and row.documents:
        return "unanswerable with documents"
    return ""
