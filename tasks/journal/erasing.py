"""Takes records out of a journal for good: what is old, what belongs to a person, what holds a text."""

import json
import sqlite3
import unicodedata
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from time import monotonic, sleep
from typing import Any, NamedTuple

from configs.errors import LifecycleError
from tasks.journal.file import (
    RECORD_COLUMNS,
    WAIT_S,
    Record,
    connect,
    guarded,
    problem,
    transaction,
)
from tasks.journal.reading import rows

_PAUSE_S = 0.05
_OF_USER = (
    "SELECT id FROM calls WHERE user = :user AND user <> '' "
    "UNION SELECT id FROM calls WHERE key IN (SELECT key FROM owners WHERE user = :user)"
)


class Removed(NamedTuple):
    """What was taken out, or would be.

    Attributes:
        records: those that were asked for.
        damaged: those of which nobody can say any more what they held.
    """

    records: int
    damaged: int = 0


def prune(
    path: Path,
    *,
    before: datetime | None = None,
    epoch: str | None = None,
    model: str | None = None,
    dry_run: bool = False,
) -> Removed:
    """Takes out the records to which all that is given applies, and their bytes out of the file.

    Args:
        path: the journal.
        before: only records that are older, in UTC.
        epoch: only records of this round of asking.
        model: only records of this model.
        dry_run: count only.

    Raises:
        LifecycleError: the file cannot be used, or not all bytes could leave it.
    """
    moment = None if before is None else before.isoformat(timespec="microseconds")
    query = (
        "SELECT id FROM calls WHERE at < coalesce(?, '~') AND epoch = coalesce(?, epoch) AND model = coalesce(?, model)"
    )
    with guarded(path), closing(connect(path)) as database:
        found = [number for (number,) in database.execute(query, (moment, epoch, model))]
        return _remove(path, database, found, Removed(len(found)), dry_run=dry_run)


def erase(path: Path, *, text: str = "", user: str = "", ignore_case: bool = False, dry_run: bool = False) -> Removed:
    """Takes out every record that holds a text or belongs to a user, and their bytes out of the file.

    A text is compared with every string in a record's value, as a person would read it: unescaped, and in one form of
    Unicode. A damaged record might have held it and is taken out with the others. Bytes of records that were replaced
    or taken out earlier leave the file too, so that erasing again, with nothing left to find, finishes what another
    process hindered.

    Args:
        path: the journal.
        text: what to look for; "" to look for a user only.
        user: id of the person; "" to look for a text only.
        ignore_case: whether upper and lower case are the same.
        dry_run: count only.

    Raises:
        LifecycleError: the file cannot be used, or not all bytes could leave it; says what to do.
    """
    with guarded(path), closing(connect(path)) as database:
        found = {number for (number,) in database.execute(_OF_USER, {"user": user})} if user else set()
        damaged = set()
        if text:
            form = _folded if ignore_case else _composed
            wanted = form(text)
            for number, *columns in filter(None, rows(database, f"id, {RECORD_COLUMNS}")):
                record = Record(*columns)
                if not record.is_whole:
                    damaged.add(number)
                elif any(wanted in form(string) for string in _strings(_content(record))):
                    found.add(number)
        removed = Removed(len(found), len(damaged - found))
        return _remove(path, database, [*found | damaged], removed, user, dry_run=dry_run)


def _remove(
    path: Path, database: sqlite3.Connection, ids: list[int], removed: Removed, user: str = "", *, dry_run: bool
) -> Removed:
    if dry_run:
        return removed
    # What is deleted is overwritten, whatever becomes of the steps after it.
    database.execute("PRAGMA secure_delete = ON")
    with transaction(database):
        database.executemany(
            "DELETE FROM owners WHERE key = (SELECT key FROM calls WHERE id = ?)", ((number,) for number in ids)
        )
        database.execute("DELETE FROM owners WHERE user = ?", (user,))
        database.executemany("DELETE FROM calls WHERE id = ?", ((number,) for number in ids))
    hindrance = _hindrance(path, database)
    if hindrance:
        raise LifecycleError(
            f"{removed.records + removed.damaged} records left the journal, but bytes of them may still be in "
            f"{path} or {path.name}-wal: {hindrance}"
        )
    return removed


def _hindrance(path: Path, database: sqlite3.Connection) -> str:
    """Rewrites the file and empties its write-ahead log; returns what kept it from that and what to do, else ""."""
    reason = ""
    try:
        database.execute("VACUUM")
    except sqlite3.Error as error:
        reason = str(problem(path, error))
    deadline = monotonic() + WAIT_S
    while not _is_log_empty(database):
        if monotonic() > deadline:
            return f"another process was reading it for {WAIT_S:g} s; end that process and run the same command again"
        # SQLite waits for those who read, but not for a process that is merging the log itself.
        sleep(_PAUSE_S)
    return reason


def _is_log_empty(database: sqlite3.Connection) -> bool:
    (busy, *_) = database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy


def _content(record: Record) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(record.value)
    # Packed numbers, in which a short text could be found by chance.
    content.pop("vector", None)
    return content


def _strings(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list():
            for part in value:
                yield from _strings(part)
        case dict():
            for name, part in value.items():
                yield name
                yield from _strings(part)


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _folded(text: str) -> str:
    return _composed(_composed(text).casefold())
