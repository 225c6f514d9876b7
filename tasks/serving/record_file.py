"""The SQLite file of served requests and of what people say of them: its tables, and how it is read and written."""

import sqlite3
import threading
from collections.abc import Collection, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from configs.errors import LifecycleError

_SCHEMA = """
CREATE TABLE IF NOT EXISTS served (
    id TEXT PRIMARY KEY,           -- id of the request, as the client saw it
    at TEXT NOT NULL,              -- when it came, ISO 8601 in UTC
    candidate TEXT NOT NULL,       -- digest of the candidate that answered
    version INTEGER NOT NULL,      -- its model version
    row_id TEXT NOT NULL,          -- row of the production dataset that was played; '' for a user's request
    key TEXT NOT NULL DEFAULT '',  -- id of the key that it was asked with; '' for none
    messages TEXT NOT NULL,        -- JSON: the client's messages
    columns TEXT NOT NULL,         -- JSON: further prompt variables that the client sent
    outcome TEXT NOT NULL,
    cause TEXT NOT NULL,
    answer TEXT NOT NULL,
    sent TEXT NOT NULL,            -- JSON: what the model was sent
    context TEXT NOT NULL,         -- JSON: passages that the answer could draw on
    input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    cached_tokens INTEGER NOT NULL,
    price REAL,
    latency_total REAL NOT NULL,
    latency_first_token REAL,
    latency_per_token REAL,
    flags TEXT,                    -- JSON: what is wrong with it; NULL until it has been looked at
    trial TEXT NOT NULL DEFAULT '',  -- release on trial when it came; '' for none
    arm TEXT NOT NULL DEFAULT '',  -- who answered: champion, canary, shadow, watch; '' where nobody is on trial
    share REAL NOT NULL DEFAULT 0, -- how probable the candidate was for this person
    person TEXT NOT NULL DEFAULT '', -- digest of who asked, where somebody is on trial
    passed TEXT NOT NULL DEFAULT '',      -- JSON: what went on to the model as the client said it; '' for nothing
    tool_calls TEXT NOT NULL DEFAULT '',  -- JSON: tools that the model wants called; '' for none
    fallback TEXT NOT NULL DEFAULT '',    -- name of the model that answered instead; '' for the candidate's own
    guarded TEXT NOT NULL DEFAULT '[]',   -- JSON: what guards did, each a guard, a side and an action
    traced INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS feedback (
    id INTEGER PRIMARY KEY,
    at TEXT NOT NULL,              -- when it came, ISO 8601 in UTC
    request TEXT NOT NULL,         -- id of the request
    good INTEGER NOT NULL,         -- 1 for a vote up, 0 for one down
    comment TEXT NOT NULL,
    key TEXT NOT NULL,             -- id of the key that it came with; '' for none
    traced INTEGER NOT NULL DEFAULT 0,
    UNIQUE (request, key)
);
CREATE TABLE IF NOT EXISTS embedded (
    at TEXT NOT NULL,              -- when texts were embedded, ISO 8601 in UTC
    key TEXT NOT NULL,             -- id of the key that it was asked with; '' for none
    texts INTEGER NOT NULL,        -- how many
    tokens INTEGER NOT NULL,
    price REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS embedded_key ON embedded (key, at) WHERE key <> '';
CREATE INDEX IF NOT EXISTS feedback_untraced ON feedback (id) WHERE traced = 0;
CREATE INDEX IF NOT EXISTS served_at ON served (at);
CREATE INDEX IF NOT EXISTS served_key ON served (key, at) WHERE key <> '';
CREATE INDEX IF NOT EXISTS served_trial ON served (trial) WHERE trial <> '';
CREATE INDEX IF NOT EXISTS served_candidate ON served (candidate, at);
CREATE INDEX IF NOT EXISTS served_row ON served (candidate, row_id);
CREATE INDEX IF NOT EXISTS served_unflagged ON served (flags) WHERE flags IS NULL;
CREATE INDEX IF NOT EXISTS served_untraced ON served (at) WHERE traced = 0;
"""

ASKED = "arm <> 'shadow'"
"""What users asked: the answers to copies reached nobody."""

_TEXT = "TEXT NOT NULL DEFAULT ''"
_ADDED = {
    "key": _TEXT,
    "trial": _TEXT,
    "arm": _TEXT,
    "share": "REAL NOT NULL DEFAULT 0",
    "person": _TEXT,
    "passed": _TEXT,
    "tool_calls": _TEXT,
    "fallback": _TEXT,
    "guarded": "TEXT NOT NULL DEFAULT '[]'",
}
"""Columns that files of earlier releases lack."""

_LOCKED_WAITS_S = 30.0
_LOCKED = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


class RecordError(LifecycleError):
    """The store of served requests cannot be written or read."""


class LockedError(RecordError):
    """Another process holds the file; what was to be written can be once it lets go."""


class RowError(RecordError):
    """A request is one that the store cannot hold; others it can."""


class RecordFile:
    """The file; safe for many threads and processes. What was written is on the disk.

    Raises:
        RecordError: it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path, timeout=_LOCKED_WAITS_S, check_same_thread=False)
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=FULL")
            self._add_columns()
            self._connection.executescript(_SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise RecordError(
                f"{path}: cannot be opened: {error}; free the disk or mend the folder's rights"
            ) from error

    def _add_columns(self) -> None:
        """Adds what files of an earlier release lack."""
        known = {row[1] for row in self._connection.execute("PRAGMA table_info(served)")}
        for name, kind in _ADDED.items():
            if known and name not in known:
                with suppress(sqlite3.OperationalError):  # another process has just done so
                    self._connection.execute(f"ALTER TABLE served ADD COLUMN {name} {kind}")

    def close(self) -> None:
        """Closes it."""
        with self._lock:
            self._connection.close()

    def query(self, query: str, values: Collection[Any]) -> list[Any]:
        """Returns the lines that a query finds.

        Raises:
            RecordError: it cannot be read.
        """
        try:
            with self._lock, closing(self._connection.execute(query, tuple(values))) as cursor:
                return cursor.fetchall()
        except sqlite3.Error as error:
            raise RecordError(f"{self.path}: cannot be read: {error}") from error

    def write(self, *statements: tuple[str, Sequence[tuple[Any, ...]]]) -> None:
        """Runs statements, each with its lists of values, in one commit.

        Raises:
            RowError: one of the values cannot be held; nothing is written.
            LockedError: another process has held the file for so long that it was not waited for; nothing is written.
            RecordError: it cannot be written.
        """
        try:
            with self._lock, self._connection:
                for statement, values in statements:
                    self._connection.executemany(statement, values)
        except (
            sqlite3.IntegrityError,
            sqlite3.InterfaceError,
            sqlite3.DataError,
            UnicodeError,
            OverflowError,
        ) as error:
            raise RowError(f"{self.path}: cannot hold a request: {error}") from error
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in _LOCKED:
                raise LockedError(f"{self.path}: cannot be written: {error}; end the process that holds it") from error
            raise RecordError(f"{self.path}: cannot be written: {error}; free the disk") from error
