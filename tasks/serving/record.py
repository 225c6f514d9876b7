"""The store of served requests: every request the endpoint answered or failed to answer, one SQLite file an app."""

import json
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, Self

from configs.settings import settings
from tasks.serving.days import Days
from tasks.serving.record_file import ASKED, RecordFile
from tasks.serving.served import EmbeddedTexts, Served
from tasks.serving.served_row import FIELDS, served_of, values_of
from tasks.serving.votes import Votes

_ADD_SERVED = f"INSERT INTO served ({FIELDS}) VALUES ({', '.join('?' * (FIELDS.count(',') + 1))})"  # noqa: S608 constants
_ADD_EMBEDDED = "INSERT INTO embedded (at, key, texts, tokens, price) VALUES (?, ?, ?, ?, ?)"


class Numbered(NamedTuple):
    """A served request and its number: those that were added later have higher ones."""

    number: int
    served: Served


class RecordStore:
    """Served requests in one SQLite file; safe for many threads and processes. What was added is on the disk.

    Attributes:
        path: of the file.
        votes: what people say of them.
        days: what was served and said, counted by day.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = RecordFile(path)
        self.votes = Votes(self._file)
        self.days = Days(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def add(self, served: Served) -> None:
        """Adds a request; see `add_all`."""
        self.add_all([served])

    def add_all(self, these: Iterable[Served | EmbeddedTexts]) -> None:
        """Adds requests, and that texts were embedded, in one commit; once this returns they survive a crash.

        Raises:
            RecordError: they could not be written; none of them is.
        """
        served: list[tuple[Any, ...]] = []
        embedded: list[tuple[Any, ...]] = []
        for each in these:
            if isinstance(each, Served):
                served.append(values_of(each))
            else:
                embedded.append((each.at.isoformat(), *each[1:]))
        self._file.write((_ADD_SERVED, served), (_ADD_EMBEDDED, embedded))

    def window(self, since: datetime, until: datetime, candidate: str | None = None) -> list[Served]:
        """Returns the requests of users that came from `since` on and before `until`, oldest first.

        Args:
            since: the window's beginning, in UTC.
            until: its end.
            candidate: only those that this candidate answered.
        """
        condition, values = f"at >= ? AND at < ? AND {ASKED}", [since.isoformat(), until.isoformat()]
        if candidate is not None:
            condition, values = f"{condition} AND candidate = ?", [*values, candidate]
        return self._select(f"{condition} ORDER BY at, id", values)

    def placed(self, release: str, after: int, limit: int) -> list[tuple[int, Served]]:
        """Returns answers of a rollout in the order in which they were recorded, each with its place in that order.

        Args:
            release: id of the release on trial.
            after: only those after this place; 0 for the first.
            limit: so many at most.
        """
        query = (
            f"SELECT {FIELDS}, rowid FROM served WHERE trial = ? AND trial <> '' AND rowid > ? ORDER BY rowid LIMIT ?"  # noqa: S608
        )
        return [(int(row[-1]), served_of(row)) for row in self._file.query(query, [release, after, limit])]

    def latest(self, candidate: str, until: datetime, limit: int) -> list[Served]:
        """Returns what a candidate last answered users before a moment, the newest first."""
        condition = f"candidate = ? AND at < ? AND {ASKED} ORDER BY at DESC LIMIT ?"
        return self._select(condition, [candidate, until.isoformat(), limit])

    def earliest(self, candidate: str, since: datetime, limit: int) -> list[Served]:
        """Returns what a candidate first answered users from a moment on, the oldest first."""
        condition = f"candidate = ? AND at >= ? AND {ASKED} ORDER BY at LIMIT ?"
        return self._select(condition, [candidate, since.isoformat(), limit])

    def unflagged(self, limit: int) -> list[Served]:
        """Returns requests that have not been looked at yet, oldest first."""
        return self._select("flags IS NULL ORDER BY at, id LIMIT ?", [limit])

    def flag(self, flags: Iterable[tuple[str, Sequence[str]]]) -> None:
        """Notes what is wrong with requests: pairs of id and flags; no flags where nothing is."""
        self._file.write(
            ("UPDATE served SET flags = ? WHERE id = ?", [(json.dumps(list(found)), key) for key, found in flags])
        )

    def untraced(self, limit: int) -> list[Served]:
        """Returns requests that have been looked at and that no trace was written or decided against for."""
        return self._select("traced = 0 AND flags IS NOT NULL ORDER BY at, id LIMIT ?", [limit])

    def mark_traced(self, ids: Iterable[str]) -> None:
        """Notes that requests have their trace."""
        self._file.write(("UPDATE served SET traced = 1 WHERE id = ?", [(key,) for key in ids]))

    def mark_without_trace(self, ids: Iterable[str]) -> None:
        """Notes that requests are not to have a trace; one that has been voted on meanwhile is."""
        unvoted = "NOT EXISTS (SELECT 1 FROM feedback WHERE request = served.id AND feedback.traced = 0)"
        self._file.write((f"UPDATE served SET traced = 1 WHERE id = ? AND {unvoted}", [(key,) for key in ids]))  # noqa: S608

    def mark_untraced(self, ids: Iterable[str]) -> None:
        """Notes that requests are to have a trace, and have none."""
        self._file.write(("UPDATE served SET traced = 0 WHERE id = ?", [(key,) for key in ids]))

    def spent(self, key: str, since: datetime) -> float:
        """Returns what a key's requests have cost since a moment, in US dollars; unknown prices count as nothing."""
        query = (
            "SELECT (SELECT total(price) FROM served WHERE key = ?1 AND key <> '' AND at >= ?2) + "
            "(SELECT total(price) FROM embedded WHERE key = ?1 AND key <> '' AND at >= ?2)"
        )
        return float(self._file.query(query, [key, since.isoformat()])[0][0])

    def answered_rows(self, candidate: str) -> frozenset[str]:
        """Returns the rows of the production dataset that a candidate has answered."""
        query = "SELECT DISTINCT row_id FROM served WHERE candidate = ? AND outcome = 'ok' AND row_id <> ''"
        return frozenset(row_id for (row_id,) in self._file.query(query, [candidate]))

    def newest(self) -> int:
        """Returns the number of the request that was added last; 0 where there is none."""
        return int(self._file.query("SELECT coalesce(max(rowid), 0) FROM served", [])[0][0])

    def after(self, number: int, until: int, limit: int) -> list[Numbered]:
        """Returns the first requests after a number, up to another one, in the order in which they were added."""
        return self._numbered("rowid > ? AND rowid <= ? ORDER BY rowid LIMIT ?", [number, until, limit])

    def named(self, ids: Collection[str]) -> list[Numbered]:
        """Returns the requests of these ids that there are, in the order in which they were added."""
        marks = ", ".join("?" * len(ids))
        return self._numbered(f"id IN ({marks}) ORDER BY rowid", list(ids))

    def answered_otherwise(self, number: int) -> list[Numbered]:
        """Returns what candidates that were asked the same in the same words answered last, where answers differ.

        Those of a conversation stand together, in the order in which they were added; a conversation of which no
        request was added after `number` is left out.
        """
        same = (
            "SELECT messages, columns FROM served WHERE outcome = 'ok' GROUP BY messages, columns "
            "HAVING count(DISTINCT candidate) > 1 AND count(DISTINCT answer) > 1 AND max(rowid) > ?"
        )
        last = (
            f"SELECT max(rowid) FROM served WHERE outcome = 'ok' AND (messages, columns) IN ({same}) "  # noqa: S608
            "GROUP BY messages, columns, candidate"
        )
        return self._numbered(f"rowid IN ({last}) ORDER BY messages, columns, rowid", [number])

    def count(self) -> int:
        """Returns how many requests there are."""
        return int(self._file.query("SELECT count(*) FROM served", [])[0][0])

    def _numbered(self, condition: str, values: Collection[Any]) -> list[Numbered]:
        query = f"SELECT {FIELDS}, rowid FROM served WHERE {condition}"  # noqa: S608
        return [Numbered(row[-1], served_of(row)) for row in self._file.query(query, values)]

    def _select(self, condition: str, values: Collection[Any]) -> list[Served]:
        return [served_of(row) for row in self._file.query(f"SELECT {FIELDS} FROM served WHERE {condition}", values)]  # noqa: S608


def record_store(app: str) -> RecordStore:
    """Returns the store of an app's served requests, under `home/served`."""
    return RecordStore(settings().folder("served") / f"{app}.db")
