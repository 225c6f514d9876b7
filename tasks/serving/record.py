"""The store of served requests: every request the endpoint answered or failed to answer, one SQLite file an app."""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from configs.settings import settings
from tasks.calling.answer import Answer, Latency, Outcome, Passage, Usage
from tasks.data.row import Message
from tasks.serving.record_file import RecordFile
from tasks.serving.votes import Votes

_FIELDS = (
    "id, at, candidate, version, row_id, messages, columns, outcome, cause, answer, sent, context, input_tokens, "
    "output_tokens, cached_tokens, price, latency_total, latency_first_token, latency_per_token, flags, key"
)


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


class RecordStore:
    """Served requests in one SQLite file; safe for many threads and processes. What was added is on the disk.

    Attributes:
        path: of the file.
        votes: what people say of them.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = RecordFile(path)
        self.votes = Votes(self._file)

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

    def add_all(self, served: Iterable[Served]) -> None:
        """Adds requests in one commit; once this returns they survive a crash.

        Raises:
            RecordError: they could not be written; none of them is.
        """
        # The columns are constants; every value is a parameter.
        places = ", ".join("?" * (_FIELDS.count(",") + 1))
        self._file.write((f"INSERT INTO served ({_FIELDS}) VALUES ({places})", [_values(each) for each in served]))  # noqa: S608

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
        self._file.write(
            ("UPDATE served SET flags = ? WHERE id = ?", [(_json(list(found)), key) for key, found in flags])
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
        query = "SELECT total(price) FROM served WHERE key = ? AND key <> '' AND at >= ?"
        return float(self._file.query(query, [key, since.isoformat()])[0][0])

    def answered_rows(self, candidate: str) -> frozenset[str]:
        """Returns the rows of the production dataset that a candidate has answered."""
        query = "SELECT DISTINCT row_id FROM served WHERE candidate = ? AND outcome = 'ok' AND row_id <> ''"
        return frozenset(row_id for (row_id,) in self._file.query(query, [candidate]))

    def count(self) -> int:
        """Returns how many requests there are."""
        return int(self._file.query("SELECT count(*) FROM served", [])[0][0])

    def _select(self, condition: str, values: Collection[Any]) -> list[Served]:
        return [_served(row) for row in self._file.query(f"SELECT {_FIELDS} FROM served WHERE {condition}", values)]  # noqa: S608


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
