"""The rows of a file: each record read by the roles of its columns, as often as they are gone through."""

from collections.abc import Callable, Iterator
from pathlib import Path

from configs.errors import DataError
from configs.schema.dataset import Columns
from tasks.data.cells import as_answerable, as_documents, as_id, as_messages, as_question, as_text
from tasks.data.formats import Record, read_file
from tasks.data.row import Row


class FileRows:
    """Rows that stay on disk: read anew each time they are gone through.

    Args:
        path: of the file, which was read and checked before.
        columns: their roles.
        count: rows that were found.
        stamp: the file's `stamp_of` before that.
        read: yields the file's records.
    """

    def __init__(
        self,
        path: Path,
        columns: Columns,
        count: int,
        stamp: tuple[int, ...],
        read: Callable[[Path], Iterator[Record]] = read_file,
    ) -> None:
        self._path, self._columns, self._count, self._stamp, self._read = path, columns, count, stamp, read

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Row]:
        """Yields every row.

        Raises:
            DataError: the file is not the one that was read before.
        """
        self._check()
        try:
            for record in self._read(self._path):
                yield row_of(self._path, record, self._columns)
        except DataError:
            self._check()
            raise
        self._check()

    def _check(self) -> None:
        if stamp_of(self._path) != self._stamp:
            raise DataError(f"{self._path}: has changed since this run began; run it again")


def stamp_of(path: Path) -> tuple[int, ...]:
    """Returns what tells whether a file is another than before; () where there is none."""
    try:
        found = path.stat()
    except OSError:
        return ()
    return (found.st_ino, found.st_size, found.st_mtime_ns)


def row_of(path: Path, record: Record, columns: Columns) -> Row:
    """Returns a record as a row.

    Raises:
        DataError: a cell holds what its role does not allow; names the line.
    """
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
        user=as_text(values.get(columns.user)) if columns.user else "",
        slices={name: as_text(values.get(name)) for name in columns.slices},
        columns=values,
    )
