"""Reads an app's datasets: every record once, to check and to name them; a large file's rows stay on disk."""

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from configs.errors import ConfigurationError, DataError
from configs.loading import LoadedApp
from configs.schema.dataset import Columns, Split
from tasks.data.cells import as_id, as_text
from tasks.data.chat_rows import reader_of
from tasks.data.file_rows import FileRows, row_of, stamp_of
from tasks.data.formats import Record, read_file
from tasks.data.row import Dataset, Row
from tasks.identity import ListDigest

_NEEDED = ("id", "question", "messages")
_KEPT = 2000
"""Rows of a dataset up to which they stay in memory."""


def read_records(path: Path) -> list[dict[str, Any]]:
    """Reads every record of a JSONL, CSV or Parquet file as a mapping of column to value (in CSV all text).

    Raises:
        DataError: the file is missing, not UTF-8, of another format, or broken in a line, which is named.
    """
    return [record.values for record in read_file(path)]


def read_dataset(loaded: LoadedApp, split: Split) -> Dataset:
    """Reads one of an app's datasets.

    A column that plays a role must be there. `redteam` and `production` need an id and a question or messages only:
    attacks and traffic come without references. `train` may be chat fine-tuning JSONL.

    Raises:
        ConfigurationError: the app names no such dataset, or a file that does not exist.
        DataError: the file cannot be read, is empty, lacks a column, repeats an id, or holds a value that its role
            does not allow; the message names the file and the line.
    """
    relative = loaded.app.datasets.paths().get(split)
    if relative is None:
        raise ConfigurationError(
            f"{loaded.folder / 'app.yaml'}: names no {split} dataset; "
            f"set `datasets.{split}` to a JSONL, CSV or Parquet file"
        )
    path = loaded.path(relative)
    columns = loaded.app.datasets.columns
    stamp = stamp_of(path)
    read = reader_of(path, split, columns)
    found = _Found(path, columns, read)
    if not found.count:
        raise DataError(f"{path}: holds no rows; a dataset needs at least one")
    _check_columns(path, list(found.present), columns, split)
    if found.error is not None:
        raise found.error
    _check_ids(path, columns, found.ids, read)
    rows = tuple(found.kept) if found.count <= _KEPT else FileRows(path, columns, found.count, stamp, read)
    shared = frozenset(name for name, count in found.present.items() if count == found.count)
    return Dataset(loaded.app.name, split, str(path), rows, found.digest.value, tuple(found.present), shared)


def digest_of(rows: Iterable[Row], columns: Columns) -> str:
    """Names the rows' content, whatever format they were read from.

    Columns with a role count as they were read by it, all others as text, and empty ones not at all: 2 in JSON and
    "2" in CSV, or a missing key and an empty cell, are the same.
    """
    found, read = ListDigest(), _read_by_role(columns)
    for row in rows:
        found.add(_content(row, read, columns))
    return found.value


class _Found:
    """What one reading of a file tells; of a large one its rows are not kept.

    Attributes:
        count: its records.
        present: its columns, and how many records have each.
        error: the first record that is no row.
        ids: a hash of each row's id.
        kept: its first rows.
        digest: of the rows.
    """

    def __init__(self, path: Path, columns: Columns, read: Callable[[Path], Iterator[Record]]) -> None:
        self.count = 0
        self.present: dict[str, int] = {}
        self.error: DataError | None = None
        self.ids = array("q")
        self.kept: list[Row] = []
        self.digest = ListDigest()
        by_role = _read_by_role(columns)
        for record in read(path):
            self.count += 1
            for name in record.values:
                self.present[name] = self.present.get(name, 0) + 1
            if self.error is not None:
                continue
            try:
                row = row_of(path, record, columns)
            except DataError as error:
                self.error = error
                continue
            self.ids.append(hash(row.id))
            if len(self.kept) <= _KEPT:
                self.kept.append(row)
            self.digest.add(_content(row, by_role, columns))


def _read_by_role(columns: Columns) -> frozenset[str]:
    """Returns the columns that count as they were read, not as the text that they hold."""
    roles = {name for role, name in _roles(columns).items() if role != "user"}
    return frozenset(roles - {columns.question} if columns.question and columns.messages else roles)


def _content(row: Row, read: frozenset[str], columns: Columns) -> list[Any]:
    return [
        row.id,
        row.messages,
        row.reference,
        row.documents,
        row.cluster,
        row.answerable,
        row.slices,
        {name: text for name, value in row.columns.items() if name not in read and (text := as_text(value))},
        *([row.user] if columns.user else []),
    ]


def _roles(columns: Columns) -> dict[str, str]:
    """Maps each role in use to its column."""
    named = columns.model_dump(exclude={"slices"}, exclude_none=True)
    return named | {f"slices.{position}": name for position, name in enumerate(columns.slices)}


def _check_columns(path: Path, present: Sequence[str], columns: Columns, split: Split) -> None:
    roles = _roles(columns)
    turns = {role: name for role, name in roles.items() if role in ("question", "messages")}
    if any(name in present for name in turns.values()):
        turns = {}
    rest = {} if split in ("redteam", "production") else {r: name for r, name in roles.items() if r not in _NEEDED}
    rest.pop("user", None)
    for role, name in ({"id": columns.id} | turns | rest).items():
        if name not in present:
            raise DataError(
                f"{path}: no column {name!r} (role {role}); columns present are {', '.join(present) or 'none'}; "
                f"add it or mend `datasets.columns` in app.yaml"
            )


def _check_ids(path: Path, columns: Columns, hashes: "array[int]", read: Callable[[Path], Iterator[Record]]) -> None:
    """Refuses an id that comes twice. Only hashes are kept of them, so the file is read again where two are alike."""
    import numpy as np

    values, counts = np.unique(np.frombuffer(hashes, dtype=np.int64), return_counts=True)
    alike = frozenset(values[counts > 1].tolist())
    if not alike:
        return
    first: dict[str, int] = {}
    for record in read(path):
        row_id = as_id(record.values.get(columns.id), columns.id, str(path))
        if hash(row_id) not in alike:
            continue
        if row_id in first:
            raise DataError(
                f"{path}: id {row_id!r} on line {first[row_id]} and again on line {record.line}; "
                f"give each row its own id"
            )
        first[row_id] = record.line
