"""The SQLite file of an outbox: its tables, and how it is read and written."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from configs.errors import LifecycleError

_SCHEMA = """
CREATE TABLE IF NOT EXISTS alerts (
    id TEXT PRIMARY KEY,
    source TEXT NOT NULL,
    key TEXT NOT NULL,
    open INTEGER NOT NULL,
    began TEXT NOT NULL,           -- ISO 8601 in UTC
    alert TEXT NOT NULL            -- JSON: all of it
);
CREATE UNIQUE INDEX IF NOT EXISTS open_alerts ON alerts (source, key) WHERE open = 1;
CREATE TABLE IF NOT EXISTS channels (
    name TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    url_env TEXT NOT NULL,         -- names of variables; an address is written nowhere
    secret_env TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS told (
    alert TEXT NOT NULL,
    channel TEXT NOT NULL,
    at TEXT NOT NULL,              -- when it was last put into a message to the channel
    PRIMARY KEY (alert, channel)
);
CREATE TABLE IF NOT EXISTS deliveries (
    number INTEGER PRIMARY KEY AUTOINCREMENT,  -- the order, whatever the clock does
    channel TEXT NOT NULL,
    message TEXT NOT NULL,         -- JSON: as it was when it was written
    state TEXT NOT NULL DEFAULT 'waiting',
    tries INTEGER NOT NULL DEFAULT 0,
    tried REAL NOT NULL DEFAULT 0, -- Unix time of the last try
    due REAL NOT NULL DEFAULT 0,   -- Unix time of the next
    stuck INTEGER NOT NULL DEFAULT 0,
    problem TEXT NOT NULL DEFAULT '',
    ended TEXT                     -- when it was delivered, or given up
);
CREATE TABLE IF NOT EXISTS unreadable (
    delivery INTEGER PRIMARY KEY,
    tries INTEGER NOT NULL         -- those after which its receiver could not read it
);
CREATE INDEX IF NOT EXISTS waiting ON deliveries (channel, number) WHERE state = 'waiting';
"""


class OutboxError(LifecycleError):
    """An outbox cannot be written or read."""


class OutboxFile:
    """The file; safe for many threads and processes. What was written is on the disk.

    Raises:
        OutboxError: it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path, timeout=30, check_same_thread=False, isolation_level=None)
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=FULL")
            self._connection.executescript(_SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise OutboxError(f"{path}: cannot be opened: {error}; free the disk or mend the folder's rights") from None

    def close(self) -> None:
        """Closes it."""
        with self._lock:
            self._connection.close()

    def read(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Returns the lines that a query finds.

        Raises:
            OutboxError: it cannot be read.
        """
        try:
            with self._lock:
                return self._connection.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise OutboxError(f"{self.path}: cannot be read: {error}; run `lifecycle doctor`") from None

    @contextmanager
    def commit(self) -> Iterator[sqlite3.Connection]:
        """Nobody else writes while the block runs; what it wrote is kept whole, or not at all.

        Raises:
            OutboxError: it cannot be written.
        """
        with self._lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                try:
                    yield self._connection
                    self._connection.execute("COMMIT")
                except BaseException:
                    if self._connection.in_transaction:
                        self._connection.execute("ROLLBACK")
                    raise
            except sqlite3.Error as error:
                raise OutboxError(f"{self.path}: cannot be written: {error}; free the disk") from None
