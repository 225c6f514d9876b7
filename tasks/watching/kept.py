"""What watching keeps beside the served requests: their scores, each given once, and how far a look has come."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, Self

from configs.errors import DataError
from tasks.serving.reading import Counted

_SCHEMA = """
CREATE TABLE IF NOT EXISTS scores (
    scorer TEXT NOT NULL,    -- name, version and settings: what the score depends on besides the request
    request TEXT NOT NULL,
    labels TEXT NOT NULL,    -- digest of the labels of the row that was played; '' for a user's request
    value REAL,              -- NULL where there is none
    applies INTEGER NOT NULL,
    PRIMARY KEY (scorer, request)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS states (
    candidate TEXT NOT NULL,
    name TEXT NOT NULL,      -- what it is the state of
    content BLOB NOT NULL,
    PRIMARY KEY (candidate, name)
);
"""
_MARKS = 500
_COUNTED = """
SELECT count(value), total(value) FROM scores JOIN requests.served ON served.id = scores.request
WHERE scorer = ? AND at >= ? AND at < ?
"""


class Kept(NamedTuple):
    """A score that was given: `value` is None where the answer failed, or where the metric does not apply."""

    value: float | None
    applies: bool


class WatchStore:
    """One SQLite file beside that of an app's served requests.

    Args:
        served: the file of served requests.

    Raises:
        DataError: it cannot be opened, read or written.
    """

    def __init__(self, served: Path) -> None:
        self.path = served.with_suffix(".watched.db")
        self._connection = self._opened(served)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def scores(self, scorer: str, labels: Mapping[str, str]) -> dict[str, Kept]:
        """Returns the scores of some requests that a scorer has given, by request.

        Args:
            scorer: its identity.
            labels: digest of what each request is scored with, by request; "" for none.
        """
        found: dict[str, Kept] = {}
        ids = list(labels)
        for start in range(0, len(ids), _MARKS):
            part = ids[start : start + _MARKS]
            marks = ", ".join("?" * len(part))
            query = f"SELECT request, labels, value, applies FROM scores WHERE scorer = ? AND request IN ({marks})"  # noqa: S608
            for request, of, value, applies in self._query(query, [scorer, *part]):
                if of == labels[request]:
                    found[request] = Kept(value, bool(applies))
        return found

    def keep(self, scorer: str, labels: Mapping[str, str], scores: Iterable[tuple[str, Kept]]) -> None:
        """Keeps scores: pairs of request and score. One with other labels takes the place of the one before."""
        lines = [(scorer, request, labels[request], each.value, each.applies) for request, each in scores]
        self._write("INSERT OR REPLACE INTO scores VALUES (?, ?, ?, ?, ?)", lines)

    def counted(self, scorer: str, since: datetime, until: datetime) -> Counted:
        """Returns how many requests of a stretch of time have a score, and the scores' sum."""
        n, total = self._query(_COUNTED, [scorer, since.isoformat(), until.isoformat()])[0]
        return Counted(n, total)

    def state(self, candidate: str, name: str) -> bytes | None:
        """Returns how far something has come with a candidate; None where it has not begun."""
        found = self._query("SELECT content FROM states WHERE candidate = ? AND name = ?", [candidate, name])
        return found[0][0] if found else None

    def save_state(self, candidate: str, name: str, content: bytes) -> None:
        """Keeps how far something has come, in one commit."""
        self._write("INSERT OR REPLACE INTO states VALUES (?, ?, ?)", [(candidate, name, content)])

    def _opened(self, served: Path) -> sqlite3.Connection:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(self.path, timeout=30, check_same_thread=False)
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.execute("ATTACH DATABASE ? AS requests", (str(served),))
            connection.executescript(_SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise DataError(
                f"{self.path}: cannot be opened: {error}; free the disk or mend the folder's rights"
            ) from error
        return connection

    def _query(self, query: str, values: Sequence[Any]) -> list[Any]:
        try:
            with closing(self._connection.execute(query, tuple(values))) as cursor:
                return cursor.fetchall()
        except sqlite3.Error as error:
            raise DataError(f"{self.path}: cannot be read: {error}; delete it to have all scored again") from error

    def _write(self, statement: str, lines: Sequence[tuple[Any, ...]]) -> None:
        try:
            with self._connection:
                self._connection.executemany(statement, lines)
        except sqlite3.Error as error:
            raise DataError(f"{self.path}: cannot be written: {error}; free the disk") from error
