"""Reads an app's datasets: records become rows, their columns read by their roles."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from configs.errors import ConfigurationError, DataError
from configs.loading import LoadedApp
from configs.schema.dataset import Columns, Split
from tasks.data.cells import as_answerable, as_documents, as_id, as_messages, as_question, as_text
from tasks.data.formats import Record, read_file
from tasks.data.row import Dataset, Row
from tasks.identity import digest

_NEEDED = ("id", "question", "messages")


def read_records(path: Path) -> list[dict[str, Any]]:
    """Reads every record of a JSONL, CSV or Parquet file as a mapping of column to value (in CSV all text).

    Raises:
        DataError: the file is missing, not UTF-8, of another format, or broken in a line, which is named.
    """
    return [record.values for record in read_file(path)]


def read_dataset(loaded: LoadedApp, split: Split) -> Dataset:
    """Reads one of an app's datasets.

    A column that plays a role must be there. `redteam` and `production` need an id and a question or messages only:
    attacks and traffic come without references.

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
    records = read_file(path)
    if not records:
        raise DataError(f"{path}: holds no rows; a dataset needs at least one")
    _check_columns(path, records, columns, split)
    rows = tuple(_row(path, record, columns) for record in records)
    _check_ids(path, rows, records)
    return Dataset(loaded.app.name, split, str(path), rows, digest_of(rows, columns))


def digest_of(rows: Sequence[Row], columns: Columns) -> str:
    """Names the rows' content, whatever format they were read from.

    Columns with a role count as they were read by it, all others as text, and empty ones not at all: 2 in JSON and
    "2" in CSV, or a missing key and an empty cell, are the same.
    """
    roles = set(_roles(columns).values())
    if columns.question and columns.messages:
        roles -= {columns.question}
    return digest(
        [
            [
                row.id,
                row.messages,
                row.reference,
                row.documents,
                row.cluster,
                row.answerable,
                row.slices,
                {name: text for name, value in row.columns.items() if name not in roles and (text := as_text(value))},
            ]
            for row in rows
        ]
    )


def _roles(columns: Columns) -> dict[str, str]:
    """Maps each role in use to its column."""
    named = columns.model_dump(exclude={"slices"}, exclude_none=True)
    return named | {f"slices.{position}": name for position, name in enumerate(columns.slices)}


def _check_columns(path: Path, records: list[Record], columns: Columns, split: Split) -> None:
    present = list(dict.fromkeys(name for record in records for name in record.values))
    roles = _roles(columns)
    turns = {role: name for role, name in roles.items() if role in ("question", "messages")}
    if any(name in present for name in turns.values()):
        turns = {}
    rest = {} if split in ("redteam", "production") else {r: name for r, name in roles.items() if r not in _NEEDED}
    for role, name in ({"id": columns.id} | turns | rest).items():
        if name not in present:
            raise DataError(
                f"{path}: no column {name!r} (role {role}); columns present are {', '.join(present) or 'none'}; "
                f"add it or mend `datasets.columns` in app.yaml"
            )


def _row(path: Path, record: Record, columns: Columns) -> Row:
    values = record.values
    where = f"{path} line {record.line}"
    row_id = as_id(values.get(columns.id), columns.id, where)
    where = f"{where} (row {row_id})"
    turns = values.get(columns.messages) if columns.messages else None
    messages = (
        as_messages(turns, str(columns.messages), where)
        if turns or columns.question is None
        else as_question(values.get(columns.question), columns.question, where)
    )
    return Row(
        id=row_id,
        messages=messages,
        reference=as_text(values.get(columns.reference)) if columns.reference else "",
        documents=as_documents(values.get(columns.documents), columns.documents, where) if columns.documents else (),
        cluster=(as_text(values.get(columns.cluster)) if columns.cluster else "") or row_id,
        answerable=as_answerable(values.get(columns.answerable), columns.answerable, where)
        if columns.answerable
        else None,
        slices={name: as_text(values.get(name)) for name in columns.slices},
        columns=values,
    )


def _check_ids(path: Path, rows: tuple[Row, ...], records: list[Record]) -> None:
    first: dict[str, int] = {}
    for row, record in zip(rows, records, strict=True):
        if row.id in first:
            raise DataError(
                f"{path}: id {row.id!r} on line {first[row.id]} and again on line {record.line}; "
                f"give each row its own id"
            )
        first[row.id] = record.line
