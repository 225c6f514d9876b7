"""The store of served requests: every request the endpoint answered or failed to answer, one SQLite file an app."""

import json
import sqlite3
import threading
from collections.abc import Collection, Iterable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from configs.errors import LifecycleError
from configs.settings import settings
from tasks.calling.answer import Answer, Latency, Outcome, Passage, Usage
from tasks.data.row import Message

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
CREATE INDEX IF NOT EXISTS feedback_untraced ON feedback (id) WHERE traced = 0;
CREATE INDEX IF NOT EXISTS served_at ON served (at);
CREATE INDEX IF NOT EXISTS served_key ON served (key, at) WHERE key <> '';
CREATE INDEX IF NOT EXISTS served_row ON served (candidate, row_id);
CREATE INDEX IF NOT EXISTS served_unflagged ON served (flags) WHERE flags IS NULL;
CREATE INDEX IF NOT EXISTS served_untraced ON served (at) WHERE traced = 0;
"""

_FIELDS = (
    "id, at, candidate, version, row_id, messages, columns, outcome, cause, answer, sent, context, input_tokens, "
    "output_tokens, cached_tokens, price, latency_total, latency_first_token, latency_per_token, flags, key"
)

_VOTE = """
INSERT INTO feedback (at, request, good, comment, key) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (request, key) DO UPDATE SET at = excluded.at, good = excluded.good, comment = excluded.comment, traced = 0
"""


class RecordError(LifecycleError):
    """The store of served requests cannot be written or read."""


class RowError(RecordError):
    """A request is one that the store cannot hold; others it can."""


@dataclass(frozen=True, slots=True)
class Served:
    """One served request.

    Attributes:
        id: id of the request, as the client saw it; also the answer's `row_id`.
        at: when it came, in UTC.
        candidate: digest of the candidate that answered.
        version: its model version.
        row_id: row of the production dataset that was played; "" for a user's request.
        messages: the client's messages.
        columns: further prompt variables that the client sent.
        answer: what came of it.
        flags: what is wrong with it (`error`, or a scorer's name); None until it has been looked at.
        key: id of the key that it was asked with; "" for none.
    """

    id: str
    at: datetime
    candidate: str
    version: int
    row_id: str
    messages: tuple[Message, ...]
    columns: dict[str, Any]
    answer: Answer
    flags: tuple[str, ...] | None = None
    key: str = ""


@dataclass(frozen=True, slots=True)
class Vote:
    """What a person says of an answer.

    Attributes:
        request: id of the request.
        good: whether the answer is.
        comment: in words; "" for none.
        at: when it came, in UTC.
        key: id of the key that it came with; "" for none.
        number: by which the store knows it; 0 before it is added.
    """

    request: str
    good: bool
    comment: str
    at: datetime
    key: str = ""
    number: int = 0


class RecordStore:
    """Served requests in one SQLite file; safe for many threads and processes. What was added is on the disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path, timeout=30, check_same_thread=False)
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
        if known and "key" not in known:
            with suppress(sqlite3.OperationalError):  # another process has just done so
                self._connection.execute("ALTER TABLE served ADD COLUMN key TEXT NOT NULL DEFAULT ''")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file."""
        with self._lock:
            self._connection.close()

    def add(self, served: Served) -> None:
        """Adds a request; see `add_all`."""
        self.add_all([served])

    def add_all(self, served: Iterable[Served]) -> None:
        """Adds requests in one commit; once this returns they survive a crash.

        Raises:
            RecordError: they could not be written; none of them is.
        """
        # The columns are constants; every value is a parameter.
        places = ", ".join("?" * (_FIELDS.count(",") + 1))
        self._write(f"INSERT INTO served ({_FIELDS}) VALUES ({places})", [_values(each) for each in served])  # noqa: S608

    def window(self, since: datetime, until: datetime, candidate: str | None = None) -> list[Served]:
        """Returns the requests that came from `since` on and before `until`, oldest first.

        Args:
            since: the window's beginning, in UTC.
            until: its end.
            candidate: only those that this candidate answered.
        """
        condition, values = "at >= ? AND at < ?", [since.isoformat(), until.isoformat()]
        if candidate is not None:
            condition, values = f"{condition} AND candidate = ?", [*values, candidate]
        return self._select(f"{condition} ORDER BY at, id", values)

    def unflagged(self, limit: int) -> list[Served]:
        """Returns requests that have not been looked at yet, oldest first."""
        return self._select("flags IS NULL ORDER BY at, id LIMIT ?", [limit])

    def flag(self, flags: Iterable[tuple[str, Sequence[str]]]) -> None:
        """Notes what is wrong with requests: pairs of id and flags; no flags where nothing is."""
        self._write("UPDATE served SET flags = ? WHERE id = ?", [(_json(list(found)), key) for key, found in flags])

    def untraced(self, limit: int) -> list[Served]:
        """Returns requests that have been looked at and that no trace was written or decided against for."""
        return self._select("traced = 0 AND flags IS NOT NULL ORDER BY at, id LIMIT ?", [limit])

    def mark_traced(self, ids: Iterable[str]) -> None:
        """Notes that requests have their trace."""
        self._write("UPDATE served SET traced = 1 WHERE id = ?", [(key,) for key in ids])

    def mark_without_trace(self, ids: Iterable[str]) -> None:
        """Notes that requests are not to have a trace; one that has been voted on meanwhile is."""
        unvoted = "NOT EXISTS (SELECT 1 FROM feedback WHERE request = served.id AND feedback.traced = 0)"
        self._write(f"UPDATE served SET traced = 1 WHERE id = ? AND {unvoted}", [(key,) for key in ids])  # noqa: S608

    def mark_untraced(self, ids: Iterable[str]) -> None:
        """Notes that requests are to have a trace, and have none."""
        self._write("UPDATE served SET traced = 0 WHERE id = ?", [(key,) for key in ids])

    def spent(self, key: str, since: datetime) -> float:
        """Returns what a key's requests have cost since a moment, in US dollars; unknown prices count as nothing."""
        query = "SELECT total(price) FROM served WHERE key = ? AND key <> '' AND at >= ?"
        return float(self._query(query, [key, since.isoformat()])[0][0])

    def add_vote(self, vote: Vote) -> bool:
        """Adds what a person says of an answer, so that its request gets a trace; False where there is no such request.

        It must be of the same key; of several votes the last counts.

        Raises:
            RecordError: it could not be written.
        """
        if not self._query("SELECT 1 FROM served WHERE id = ? AND key = ?", [vote.request, vote.key]):
            return False
        values = (vote.at.isoformat(), vote.request, vote.good, vote.comment, vote.key)
        self._write(_VOTE, [values], ("UPDATE served SET traced = 0 WHERE id = ?", [(vote.request,)]))
        return True

    def untraced_votes(self, limit: int) -> list[Vote]:
        """Returns votes that are not on their traces yet, the oldest first; of requests that have been traced."""
        query = (
            "SELECT request, good, comment, feedback.at, feedback.key, feedback.id "
            "FROM feedback JOIN served ON served.id = feedback.request "
            "WHERE feedback.traced = 0 AND served.traced = 1 ORDER BY feedback.id LIMIT ?"
        )
        return [
            Vote(request, bool(good), comment, datetime.fromisoformat(at), key, number)
            for request, good, comment, at, key, number in self._query(query, [limit])
        ]

    def mark_votes_traced(self, votes: Iterable[Vote]) -> None:
        """Notes that votes are on their traces."""
        self._write("UPDATE feedback SET traced = 1 WHERE id = ?", [(vote.number,) for vote in votes])

    def voted(self, ids: Collection[str]) -> frozenset[str]:
        """Returns those of some requests of which a person has said something."""
        marks = ", ".join("?" * len(ids))
        found = self._query(f"SELECT DISTINCT request FROM feedback WHERE request IN ({marks})", list(ids))  # noqa: S608
        return frozenset(request for (request,) in found)

    def answered_rows(self, candidate: str) -> frozenset[str]:
        """Returns the rows of the production dataset that a candidate has answered."""
        query = "SELECT DISTINCT row_id FROM served WHERE candidate = ? AND outcome = 'ok' AND row_id <> ''"
        return frozenset(row_id for (row_id,) in self._query(query, [candidate]))

    def count(self) -> int:
        """Returns how many requests there are."""
        return int(self._query("SELECT count(*) FROM served", [])[0][0])

    def _select(self, condition: str, values: Collection[Any]) -> list[Served]:
        return [_served(row) for row in self._query(f"SELECT {_FIELDS} FROM served WHERE {condition}", values)]  # noqa: S608

    def _query(self, query: str, values: Collection[Any]) -> list[Any]:
        try:
            with self._lock, closing(self._connection.execute(query, tuple(values))) as cursor:
                return cursor.fetchall()
        except sqlite3.Error as error:
            raise RecordError(f"{self.path}: cannot be read: {error}") from error

    def _write(
        self, statement: str, values: Sequence[tuple[Any, ...]], *more: tuple[str, list[tuple[Any, ...]]]
    ) -> None:
        try:
            with self._lock, self._connection:
                for each, of in ((statement, values), *more):
                    self._connection.executemany(each, of)
        except (
            sqlite3.IntegrityError,
            sqlite3.InterfaceError,
            sqlite3.DataError,
            UnicodeError,
            OverflowError,
        ) as error:
            raise RowError(f"{self.path}: cannot hold a request: {error}") from error
        except sqlite3.Error as error:
            raise RecordError(f"{self.path}: cannot be written: {error}; free the disk") from error


def record_store(app: str) -> RecordStore:
    """Returns the store of an app's served requests, under `home/served`."""
    return RecordStore(settings().folder("served") / f"{app}.db")


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _values(served: Served) -> tuple[Any, ...]:
    answer = served.answer
    return (
        served.id,
        served.at.isoformat(),
        served.candidate,
        served.version,
        served.row_id,
        _json([message._asdict() for message in served.messages]),
        _json(served.columns),
        answer.outcome.value,
        answer.cause,
        answer.text,
        _json([message._asdict() for message in answer.messages]),
        _json([passage._asdict() for passage in answer.context]),
        *answer.usage,
        answer.price,
        *answer.latency,
        None if served.flags is None else _json(served.flags),
        served.key,
    )


def _served(row: Sequence[Any]) -> Served:
    answer = Answer(
        row_id=row[0],
        outcome=Outcome(row[7]),
        cause=row[8],
        text=row[9],
        messages=_messages(row[10]),
        context=tuple(Passage(**passage) for passage in json.loads(row[11])),
        usage=Usage(*row[12:15]),
        price=row[15],
        latency=Latency(*row[16:19]),
        attempts=1,
    )
    return Served(
        id=row[0],
        at=datetime.fromisoformat(row[1]),
        candidate=row[2],
        version=row[3],
        row_id=row[4],
        messages=_messages(row[5]),
        columns=json.loads(row[6]),
        answer=answer,
        flags=None if row[19] is None else tuple(json.loads(row[19])),
        key=row[20],
    )


def _messages(text: str) -> tuple[Message, ...]:
    return tuple(Message(**message) for message in json.loads(text))
