"""A dataset as tables that expectations are set on: its own columns, and what each row says beyond one cell."""

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from configs.schema.dataset import Columns
from tasks.data.row import Dataset, Row

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

NEVER_SHARED = ("sample", "full", "examples", "train")
"""Splits of which no two may share a row: else a candidate is judged on what it was shaped with."""
_PART = 5000
"""Rows of one table."""


class Keys(NamedTuple):
    """What rows of a dataset are compared by, as sorted 64-bit hashes: so many stay small in memory."""

    ids: "np.ndarray[tuple[int], np.dtype[np.int64]]"
    conversations: "np.ndarray[tuple[int], np.dtype[np.int64]]"
    repeated: frozenset[int]
    """Conversations that come more than once."""
    usual_length: int
    """Characters of the row in the middle."""


def required(dataset: Dataset, columns: Columns) -> list[str]:
    """Returns the columns that a dataset must have: attacks and traffic need no labels."""
    turns = [name for name in (columns.question, columns.messages) if name]
    labels = [columns.reference, columns.documents, columns.cluster, columns.answerable, *columns.slices]
    needed = [
        columns.id,
        *([name for name in turns if name in dataset.columns] or turns),
        *([] if dataset.split in ("redteam", "production") else labels),
    ]
    return list(dict.fromkeys(name for name in needed if name))


def keys_of(dataset: Dataset) -> Keys:
    """Returns what rows of a dataset are compared by."""
    import numpy as np

    ids, conversations, lengths = array("q"), array("q"), array("q")
    for row in dataset.rows:
        ids.append(hash(row.id))
        conversations.append(hash(conversation(row)))
        lengths.append(_length(row))
    values, counts = np.unique(np.frombuffer(conversations, dtype=np.int64), return_counts=True)
    return Keys(
        ids=np.unique(np.frombuffer(ids, dtype=np.int64)),
        conversations=values,
        repeated=frozenset(values[counts > 1].tolist()),
        usual_length=sorted(lengths)[len(lengths) // 2] if lengths else 0,
    )


def contract_tables(
    dataset: Dataset, keys: Keys, shared: Mapping[str, str], document_ids: frozenset[str] | None
) -> Iterator["pd.DataFrame"]:
    """Yields the rows as tables of some thousand lines: the file's columns as they are, and what a row says beyond one.

    The latter are `row.id`, `row.conversation` (normalised), `row.length` (characters), `row.roles` (parted by blanks),
    `row.answerable`, and `row.unknown_documents`, `row.contradiction`, `row.repeated` and `row.shared`, which are ""
    where all is well.

    Args:
        dataset: what is checked; one without rows is one table without lines.
        keys: its keys.
        shared: for ids of rows that another dataset holds too, where that is.
        document_ids: ids of all documents; None where the app has none.
    """
    left = iter(dataset.rows)
    rows = tuple(islice(left, _PART))
    while True:
        yield _table(rows, dataset.columns, keys, shared, document_ids)
        rows = tuple(islice(left, _PART))
        if not rows:
            return


def _table(
    rows: Sequence[Row],
    names: Sequence[str],
    keys: Keys,
    shared: Mapping[str, str],
    document_ids: frozenset[str] | None,
) -> "pd.DataFrame":
    import pandas as pd

    conversations = [conversation(row) for row in rows]
    return pd.DataFrame(
        {
            **{name: pd.Series([row.columns.get(name) for row in rows], dtype="object") for name in names},
            "row.id": [row.id for row in rows],
            "row.conversation": conversations,
            "row.length": [_length(row) for row in rows],
            "row.roles": [" ".join(message.role for message in row.messages) for row in rows],
            "row.answerable": pd.Series([row.answerable for row in rows], dtype="object"),
            "row.unknown_documents": [_unknown(row.documents, document_ids) for row in rows],
            "row.contradiction": [_contradiction(row) for row in rows],
            "row.repeated": [text if hash(text) in keys.repeated else "" for text in conversations],
            "row.shared": [shared.get(row.id, "") for row in rows],
        }
    )


def shared_rows(datasets: Sequence[Dataset], keys: Sequence[Keys]) -> dict[str, dict[str, str]]:
    """Finds the rows that two of sample, full, examples and train share, by id or by normalised conversation.

    Args:
        datasets: all of an app's.
        keys: of each.

    Returns:
        For each dataset's name, the ids of its shared rows and where each was found too (`outfitter/full row f12`).
    """
    apart = [(dataset, own) for dataset, own in zip(datasets, keys, strict=True) if dataset.split in NEVER_SHARED]
    found: dict[str, dict[str, str]] = {dataset.name: {} for dataset in datasets}
    for dataset, own in apart:
        for other, others in apart:
            if other is not dataset:
                _find_shared(found[dataset.name], (dataset, own), (other, others))
    return found


def conversation(row: Row) -> str:
    """Returns the row's messages as one text, in lower case, its blanks made single."""
    return " ".join(" ".join(message.content for message in row.messages).casefold().split())


def _find_shared(found: dict[str, str], one: tuple[Dataset, Keys], other: tuple[Dataset, Keys]) -> None:
    """Adds the rows of one dataset that the other holds too; the files are gone through only where hashes are alike."""
    import numpy as np

    ids = frozenset(np.intersect1d(one[1].ids, other[1].ids).tolist())
    conversations = frozenset(np.intersect1d(one[1].conversations, other[1].conversations).tolist())
    if not ids and not conversations:
        return
    alike = [row for row in other[0].rows if hash(row.id) in ids or hash(conversation(row)) in conversations]
    by_id = {row.id: f"{other[0].name} row {row.id}" for row in alike}
    by_text = {conversation(row): f"{other[0].name} row {row.id}" for row in alike}
    for row in one[0].rows:
        if where := by_id.get(row.id) or by_text.get(conversation(row)):
            found.setdefault(row.id, where)


def _length(row: Row) -> int:
    return sum(len(message.content) for message in row.messages)


def _unknown(documents: Iterable[str], document_ids: frozenset[str] | None) -> str:
    return "" if document_ids is None else ", ".join(name for name in documents if name not in document_ids)


def _contradiction(row: Row) -> str:
    if row.answerable is True and not row.documents:
        return "answerable without documents"
    if row.answerable is False and row.documents:
        return "unanswerable with documents"
    return ""
