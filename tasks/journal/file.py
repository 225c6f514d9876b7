"""The journal's file: its tables, how it is opened, what a record is, and what each error of SQLite means."""

import hashlib
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import chain
from operator import methodcaller
from pathlib import Path
from time import monotonic, sleep
from typing import NamedTuple

from configs.errors import LifecycleError

WAIT_S = 30.0
"""How long a process waits for another one that writes."""

_NEARLY_FULL_BYTES = 1 << 20
_LOG_BYTES = 1 << 24
_PAUSE_S = 0.01

# Records are appended under a running number: beside them only the index has to be touched at random places, which
# costs a third of a table that is sorted by key.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS calls (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL,
    epoch TEXT NOT NULL,
    kind TEXT NOT NULL,
    model TEXT NOT NULL,
    value TEXT NOT NULL,           -- JSON
    checksum TEXT NOT NULL,        -- of key and value
    at TEXT NOT NULL,              -- ISO 8601 in UTC
    user TEXT NOT NULL,            -- whom the call belongs to, '' for nobody
    input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    cached_tokens INTEGER NOT NULL -- part of input_tokens
);
CREATE UNIQUE INDEX IF NOT EXISTS calls_by_key ON calls (key);
CREATE INDEX IF NOT EXISTS calls_by_user ON calls (user) WHERE user <> '';
CREATE TABLE IF NOT EXISTS owners ( -- further people whom a call belongs to: they asked the same later
    key TEXT NOT NULL,
    user TEXT NOT NULL,
    PRIMARY KEY (key, user)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS owners_by_user ON owners (user);
CREATE TABLE IF NOT EXISTS savings (
    model TEXT NOT NULL,
    kind TEXT NOT NULL,
    calls INTEGER NOT NULL,
    input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    cached_tokens INTEGER NOT NULL,
    PRIMARY KEY (model, kind)
);
"""

_FROM_SORTED = """
ALTER TABLE calls RENAME TO sorted_calls;
{schema}
INSERT INTO calls (key, epoch, kind, model, value, checksum, at, user, input_tokens, output_tokens, cached_tokens)
SELECT key, epoch, kind, model, value, checksum, at, '', {tokens} FROM sorted_calls ORDER BY at;
DROP TABLE sorted_calls;
"""


class Record(NamedTuple):
    """One finished call, as its row in `calls` holds it."""

    key: str
    epoch: str
    kind: str
    model: str
    value: str
    checksum: str
    at: str
    user: str
    input: int
    output: int
    cached: int

    @property
    def is_whole(self) -> bool:
        """Whether this is what was once put."""
        return isinstance(self.value, str) and checksum(self.key, self.value) == self.checksum


RECORD_COLUMNS = "key, epoch, kind, model, value, checksum, at, user, input_tokens, output_tokens, cached_tokens"

# Many rows a statement: between two statements the thread would have to wait for the interpreter's lock, which a busy
# caller gives up once in 5 ms.
_AT_ONCE = 100

_COLUMNS = RECORD_COLUMNS.split(", ")
_ROW = f"({', '.join('?' * len(_COLUMNS))})"
_REPLACED = ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS[1:])


# Whoever a record belonged to that is replaced, it still does.
_KEEP_OWNERS = "INSERT OR IGNORE INTO owners SELECT key, user FROM calls WHERE user <> '' AND key IN ({})"


def checksum(key: str, value: str) -> str:
    """Returns 16 hexadecimal digits by which a damaged value is known."""
    return hashlib.sha256(f"{key}\n{value}".encode()).hexdigest()[:16]


def connect(path: Path) -> sqlite3.Connection:
    """Opens the file; makes it, its folder and its tables where they are missing.

    A process that is killed loses nothing that was committed. A power cut may take the last commits with it, since
    they are forced to the disk only when the write-ahead log is merged (`synchronous = NORMAL`); the file stays whole.

    Raises:
        sqlite3.Error, OSError: see `problem`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # Transactions are begun by name, and whoever shares a connection among threads holds a lock.
    database = sqlite3.connect(path, timeout=WAIT_S, isolation_level=None, check_same_thread=False)
    try:
        # A byte that was flipped in a Korean text must come to the checksum instead of ending the query.
        database.text_factory = methodcaller("decode", "utf-8", "replace")
        _set_up(database)
    except BaseException:
        database.close()
        raise
    return database


@contextmanager
def transaction(database: sqlite3.Connection) -> Iterator[None]:
    """Commits what the block writes, as a whole or not at all."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
        database.execute("COMMIT")
    except BaseException:
        # A full disk has rolled back already.
        with suppress(sqlite3.Error):
            database.execute("ROLLBACK")
        raise


def write(database: sqlite3.Connection, records: Sequence[Record]) -> None:
    """Writes records; one that has a key already replaces what was there."""
    for start in range(0, len(records), _AT_ONCE):
        some = records[start : start + _AT_ONCE]
        if any(record.user for record in some):
            keys = [record.key for record in some]
            database.execute(_KEEP_OWNERS.format(", ".join("?" * len(keys))), keys)
        values = ", ".join([_ROW] * len(some))
        database.execute(
            f"INSERT INTO calls ({RECORD_COLUMNS}) VALUES {values} ON CONFLICT (key) DO UPDATE SET {_REPLACED}",  # noqa: S608 constants
            tuple(chain.from_iterable(some)),
        )


@contextmanager
def guarded(path: Path) -> Iterator[None]:
    """Turns what SQLite and the file system raise into one line."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise problem(path, error) from None


def problem(path: Path, error: Exception, lost: int = 0) -> LifecycleError:
    """Returns an error of the file as one line: what, where, what to do.

    Args:
        path: the journal.
        error: what SQLite or the file system raised.
        lost: finished calls that could not be written and are given up.
    """
    kept = f"all but the last {lost} calls are kept" if lost else "what is finished is kept"
    if _is_full(path, error):
        return LifecycleError(f"disk full at {path}; free space and run the same command again; {kept}")
    return LifecycleError(f"journal {path} {_what(error)}" + (f"; {kept}" if lost else ""))


def is_damage(error: Exception) -> bool:
    """Whether the file itself is broken where it was read or written."""
    return _code(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def is_lock(error: Exception) -> bool:
    """Whether another process kept the file for longer than `WAIT_S`."""
    return _code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _set_up(database: sqlite3.Connection) -> None:
    deadline = monotonic() + WAIT_S
    while True:
        try:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = NORMAL")
            database.execute(f"PRAGMA journal_size_limit = {_LOG_BYTES}")
            make_tables(database)
            return
        except sqlite3.OperationalError as error:
            # Of several that make one file at once, SQLite lets all but one fail instead of wait.
            if not is_lock(error) or monotonic() > deadline:
                raise
            sleep(_PAUSE_S)


def make_tables(database: sqlite3.Connection) -> None:
    """Makes the tables where they are missing; a journal of version 0.1.0 is brought into their form."""
    columns = [name for _, name, *_ in database.execute("PRAGMA table_info(calls)")]
    if not columns or "id" in columns:
        database.executescript(_SCHEMA)
        return
    tokens = ", ".join(
        f"coalesce(CASE WHEN json_valid(value) THEN json_extract(value, '$.usage[{place}]') END, 0)"
        for place in range(3)
    )
    with transaction(database):
        # Another process may have done it meanwhile.
        if "id" not in [name for _, name, *_ in database.execute("PRAGMA table_info(calls)")]:
            for statement in _FROM_SORTED.format(schema=_SCHEMA, tokens=tokens).split(";"):
                database.execute(statement)


def _what(error: Exception) -> str:
    if is_damage(error):
        return (
            f"is damaged ({error}); `lifecycle journal repair` keeps what can be read of it; if that fails too, "
            f"move it away and run the same command again"
        )
    if is_lock(error):
        return f"was locked for {WAIT_S:g} s; end the process that holds it and run again"
    return f"cannot be used: {error}; check that the folder can be written to"


def _is_full(path: Path, error: Exception) -> bool:
    code = _code(error)
    if code != sqlite3.SQLITE_IOERR:
        return code == sqlite3.SQLITE_FULL
    return shutil.disk_usage(path.parent).free < _NEARLY_FULL_BYTES


def _code(error: Exception) -> int:
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF
