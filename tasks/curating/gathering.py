"""Gathers the rows that a curated dataset is made of, and those that it must not give away."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from os.path import normpath
from pathlib import Path
from typing import Any, NamedTuple

from configs.errors import DataError
from configs.schema.curate import Traces
from configs.schema.dataset import Columns
from tasks.calling.answer import Outcome
from tasks.curating.balance import class_column
from tasks.curating.item import DATASET, FILE, TRACE, Broken, Item, texts_of
from tasks.curating.own_ids import with_own_ids
from tasks.curating.redacting import redacted, redacted_values
from tasks.data.cells import as_text
from tasks.data.chat_rows import chat_record, is_chat_line
from tasks.data.contract import NEVER_SHARED
from tasks.data.file_rows import row_of
from tasks.data.formats import Fault, Record, read_each
from tasks.data.row import Row
from tasks.identity import digest
from tasks.scoring.abstaining import abstains
from tasks.serving.flagging import abstention_phrases
from tasks.serving.record import record_store
from tasks.serving.served import Served
from tasks.watching.rows import row_of as row_served
from tasks.workspace import Workspace

TRACES = "traces"


class Gathered(NamedTuple):
    """What there is.

    Attributes:
        pool: rows that may go in; each has an id of its own.
        guarded: rows of the splits that stay as they are.
        broken: lines of files that are no rows.
        read: rows and records read of each source.
        digests: of each dataset by its split, and of each file by its path relative to `app.yaml`.
    """

    pool: tuple[Item, ...]
    guarded: tuple[Item, ...]
    broken: tuple[Broken, ...]
    read: dict[str, int]
    digests: dict[str, str]


def gather(workspace: Workspace) -> Gathered:
    """Reads the sources that the app's `curate` names.

    Raises:
        DataError: a dataset or file cannot be read; a dataset's broken line is named, a file's is set apart.
        ConfigurationError: a file does not exist.
    """
    loaded = workspace.loaded
    curate, columns, about = loaded.app.curate, loaded.app.datasets.columns, class_column(loaded.app)
    pool: list[Item] = []
    guarded: list[Item] = []
    broken: list[Broken] = []
    read: dict[str, int] = {}
    digests: dict[str, str] = {}
    for split, dataset in workspace.datasets.items():
        source = split in curate.datasets
        if not source and split not in NEVER_SHARED:
            continue
        side = split if split in NEVER_SHARED else ""
        items = [item_of(row, split, DATASET, columns, about, side, guarded=not source) for row in dataset.rows]
        (pool if source else guarded).extend(items)
        read[split] = len(items)
        digests[split] = dataset.digest
    for name in dict.fromkeys(map(normpath, curate.files)):
        rows, faults = _file_rows(loaded.path(name), columns)
        pool += [item_of(row, name, FILE, columns, about) for row in rows]
        broken += faults
        read[name] = len(rows) + len(faults)
        digests[name] = digest([[row.id, *(redacted(text).text for text in texts_of(row))] for row in rows])
    if curate.traces is not None:
        served = [item_of(row, TRACES, TRACE, columns, about) for row in _served_rows(workspace, curate.traces)]
        pool += served
        read[TRACES] = len(served)
        digests[TRACES] = digest([item.row.id for item in served])
    return Gathered(with_own_ids(pool, columns), tuple(guarded), tuple(broken), read, digests)


def item_of(
    row: Row, source: str, rank: int, columns: Columns, about: str | None, side: str = "", *, guarded: bool = False
) -> Item:
    """Returns a row as an item; `about` is the column of its class."""
    value = as_text(row.columns.get(about)) if about else ""
    clustered = bool(columns.cluster and as_text(row.columns.get(columns.cluster)).strip())
    return Item(row, source, rank, side, guarded, value, clustered)


def _file_rows(path: Path, columns: Columns) -> tuple[list[Row], list[Broken]]:
    """Reads a file of rows that nobody has looked at yet: what is no row is told, not raised."""
    rows: list[Row] = []
    faults: list[Broken] = []
    for record in read_each(path):
        if isinstance(record, Fault):
            faults.append(Broken(f"line {record.line}", redacted(record.text).text))
            continue
        try:
            rows.append(_row(path, record, columns))
        except DataError as error:
            faults.append(Broken(f"line {record.line}", _cause(path, record, columns, error)))
    if not rows:
        first = f": {faults[0].cause}" if faults else ""
        raise DataError(f"{path}: none of its {len(faults)} records is a row{first}; mend the file or `curate.files`")
    return rows, faults


def _row(path: Path, record: Record, columns: Columns) -> Row:
    """Returns a record of a raw file as a row; it may be a line of chat fine-tuning JSONL."""
    if is_chat_line(record, columns):
        record = chat_record(path, record, columns)
    return row_of(path, _named(record, columns), columns)


def _named(record: Record, columns: Columns) -> Record:
    """Names a record without an id by its content, personal data apart: that could be guessed from a digest."""
    values: dict[str, Any] = record.values
    if as_text(values.get(columns.id)).strip():
        return record
    told = {key: as_text(each) for key, each in redacted_values(values, columns).items()}
    return Record(record.line, {**values, columns.id: digest(told)})


def _cause(path: Path, record: Record, columns: Columns, error: DataError) -> str:
    """Returns why a record is no row, without personal data: an error shows what a cell holds, and may cut it short."""
    try:
        _row(path, Record(record.line, redacted_values(record.values, columns)), columns)
    except DataError as told:
        error = told
    return redacted(str(error)).text


def _served_rows(workspace: Workspace, wanted: Traces) -> Iterator[Row]:
    """Yields the served requests as rows of the app's columns, oldest first."""
    columns = workspace.loaded.app.datasets.columns
    phrases = abstention_phrases(workspace.loaded.app.scorers)
    until = datetime.now(UTC)
    since = until - timedelta(days=wanted.days) if wanted.days else datetime.min.replace(tzinfo=UTC)
    known = {row.id: row for row in workspace.datasets["production"].rows} if "production" in workspace.datasets else {}
    with record_store(workspace.name) as store:
        for served in store.window(since, until):
            if not served.messages or not served.messages[-1].content.strip():
                continue
            row = row_served(served, known.get(served.row_id))
            reference = row.reference
            if not reference and wanted.take_answers and _is_well(served, phrases):
                reference = served.answer.text
            row = replace(row, reference=reference, cluster=row.cluster or row.id)
            yield replace(row, columns=columns_of(row, served.candidate, columns))


def _is_well(served: Served, phrases: tuple[str, ...]) -> bool:
    answer = served.answer
    return answer.outcome is Outcome.OK and served.flags == () and not abstains(answer.text, phrases)


def columns_of(row: Row, answered_by: str, columns: Columns) -> dict[str, Any]:
    """Returns what a request is in the app's own columns, as the rows of its files are.

    Args:
        row: the request, with what is known of it.
        answered_by: digest of the candidate that answered.
        columns: their roles.
    """
    own: dict[str, Any] = {**row.columns, columns.id: row.id}
    if columns.messages and (len(row.messages) > 1 or columns.question is None):
        own[columns.messages] = [message._asdict() for message in row.messages]
    elif columns.question:
        own[columns.question] = row.question
    if columns.reference:
        own[columns.reference] = row.reference
    if columns.documents:
        own[columns.documents] = list(row.documents)
    if columns.cluster:
        own[columns.cluster] = row.cluster if row.cluster != row.id else ""
    if columns.answerable and row.answerable is not None:
        own[columns.answerable] = row.answerable
    own["answered_by"] = answered_by
    return own
