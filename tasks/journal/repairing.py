"""Makes a journal whole again whose file is damaged: what can be read is kept, the rest is asked again."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from tasks.journal.file import connect, guarded, is_damage, make_tables, write
from tasks.journal.reading import known, records

_AT_ONCE = 1000


class Repaired(NamedTuple):
    """How many records were kept, and how many places of the file held none that could be."""

    kept: int
    lost: int


def repair(path: Path) -> Repaired:
    """Rewrites a journal out of those of its records that are whole.

    What another process puts meanwhile may be lost, and is then asked again.

    Raises:
        LifecycleError: not even its tables can be read.
    """
    kept = lost = 0
    # Without a name: a file that SQLite makes for this connection alone and removes.
    with guarded(path), closing(connect(path)) as damaged, closing(sqlite3.connect("", isolation_level=None)) as whole:
        there = known(damaged)
        make_tables(whole)
        whole.execute("BEGIN")
        batch = []
        for record in records(damaged):
            if record is None or not record.is_whole:
                lost += 1
                continue
            batch.append(record)
            if len(batch) == _AT_ONCE:
                write(whole, batch)
                kept, batch = kept + len(batch), []
        write(whole, batch)
        for table in ("owners", "savings"):
            _copy(damaged, whole, table)
        whole.execute("COMMIT")
        # Page by page under SQLite's own locks, so that whoever has the journal open goes on with it.
        whole.backup(damaged)
        damaged.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    kept += len(batch)
    return Repaired(kept, max(lost, there - kept))


def _copy(damaged: sqlite3.Connection, whole: sqlite3.Connection, table: str) -> None:
    """Copies a small table, where it can be read."""
    try:
        found = damaged.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608 a constant
    except sqlite3.Error as error:
        if not is_damage(error):
            raise
        return
    if found:
        whole.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(found[0]))})", found)  # noqa: S608
