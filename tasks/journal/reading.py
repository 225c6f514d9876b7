"""Reads a journal as a whole: what was used, what was saved, what is damaged. What can be read of a damaged file is."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tasks.journal.file import RECORD_COLUMNS, Record, connect, guarded, is_damage

if TYPE_CHECKING:
    from tasks.journal.journal import Kind

_AT_ONCE = 1000
_USED = "epoch, kind, model, input_tokens, output_tokens, cached_tokens"


class EpochUsage(NamedTuple):
    """What one model was asked in one epoch. Tokens are 0 where the endpoint did not count them."""

    epoch: str
    kind: "Kind"
    model: str
    calls: int
    input: int
    output: int
    cached: int = 0


class Saving(NamedTuple):
    """Calls of one model that the journal answered, and the tokens they did not use again."""

    model: str
    kind: "Kind"
    calls: int
    input: int
    output: int
    cached: int = 0


class Report(NamedTuple):
    """What a journal holds.

    Attributes:
        bytes: size on disk, with its write-ahead log.
        usage: what was asked.
        savings: what was not asked again.
        damaged: records that cannot be read or are not what was put; None where they were not looked for.
    """

    bytes: int
    usage: tuple[EpochUsage, ...]
    savings: tuple[Saving, ...]
    damaged: int | None


def report(path: Path, *, verify: bool = False) -> Report:
    """Returns what a journal holds; it is created where it is missing.

    Args:
        path: its file.
        verify: whether every record is read and compared with its checksum.

    Raises:
        LifecycleError: the file cannot be opened, or is no journal.
    """
    with guarded(path):
        database = connect(path)
        try:
            damaged = _damaged(database) if verify else None
            usage, savings = usage_of(database), savings_of(database)
        finally:
            database.close()
        files = (path, path.with_name(f"{path.name}-wal"))
        return Report(sum(file.stat().st_size for file in files if file.exists()), usage, savings, damaged)


def known(database: sqlite3.Connection) -> int:
    """Returns how many records there are by the index of their keys, which a damaged table does not shorten."""
    try:
        (count,) = database.execute("SELECT count(*) FROM calls INDEXED BY calls_by_key").fetchone()
    except sqlite3.Error:
        return 0
    return int(count)


def _damaged(database: sqlite3.Connection) -> int:
    """Counts the records that are not whole, those included that are not found at all any more."""
    read = whole = 0
    for record in records(database):
        read += 1
        whole += record is not None and record.is_whole
    return max(read, known(database)) - whole


def usage_of(database: sqlite3.Connection, epoch: str | None = None) -> tuple[EpochUsage, ...]:
    """Returns what was asked, by epoch, kind and model; of one epoch where it is given."""
    totals: dict[tuple[Any, ...], list[int]] = {}
    for row in rows(database, _USED):
        if row is None or epoch not in (None, row[0]):
            continue
        total = totals.setdefault(row[:3], [0, 0, 0, 0])
        total[0] += 1
        for place, tokens in enumerate(row[3:], 1):
            total[place] += tokens if isinstance(tokens, int) else 0
    return tuple(EpochUsage(*of, *total) for of, total in sorted(totals.items(), key=lambda item: str(item[0])))


def savings_of(database: sqlite3.Connection) -> tuple[Saving, ...]:
    """Returns what reuse saved, by model and kind."""
    found = database.execute("SELECT * FROM savings ORDER BY model, kind").fetchall()
    return tuple(Saving(*row) for row in found)


def records(database: sqlite3.Connection) -> Iterator[Record | None]:
    """Yields every record, the oldest first; None for one that cannot be read."""
    for row in rows(database, RECORD_COLUMNS):
        yield row and Record(*row)


def rows(database: sqlite3.Connection, columns: str) -> Iterator[Any]:
    """Yields some columns of every record, the oldest first; None for one that lies where the file is damaged.

    Each page of records is a transaction of its own, so that no writer waits for a reader.
    """
    query = f"SELECT {columns} FROM calls WHERE id BETWEEN ? AND ?"  # noqa: S608 constants
    first, last = _bound(database, "min"), _bound(database, "max")
    for start in range(first, last + 1, _AT_ONCE):
        end = min(start + _AT_ONCE - 1, last)
        try:
            yield from database.execute(query, (start, end)).fetchall()
        except sqlite3.Error as error:
            if not is_damage(error):
                raise
            yield from _one_by_one(database, query, range(start, end + 1))


def _one_by_one(database: sqlite3.Connection, query: str, ids: range) -> Iterator[Any]:
    for number in ids:
        try:
            yield from database.execute(query, (number, number)).fetchall()
        except sqlite3.Error as error:
            if not is_damage(error):
                raise
            yield None


def _bound(database: sqlite3.Connection, which: str) -> int:
    """Returns the first or last running number; -1 or 0 where there is none."""
    try:
        found = database.execute(f"SELECT {which}(id) FROM calls").fetchone()[0]  # noqa: S608 constant
    except sqlite3.Error as error:
        if not is_damage(error):
            raise
        # The table's own first or last page is broken; the index has the numbers too.
        found = database.execute(f"SELECT {which}(+id) FROM calls INDEXED BY calls_by_key").fetchone()[0]  # noqa: S608
    return found or 0
