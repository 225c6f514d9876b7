"""The queue of requests that people are to look at: one SQLite file an app, in which nothing names a person who asked.

A harvest enters all that it picked in one commit, together with how far it came: one that was killed has entered
nothing, and the next one picks the same.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Self

from configs.errors import LifecycleError
from tasks.calling.answer import Passage
from tasks.data.tool_turn import message_of
from tasks.harvesting.picked import LABELLED, STATES, PassedOver, Picked, Reason, Review, State

_SCHEMA = """
CREATE TABLE IF NOT EXISTS picked (
    request TEXT PRIMARY KEY,
    number INTEGER NOT NULL,       -- of the request in the store of served requests
    at TEXT NOT NULL,
    candidate TEXT NOT NULL,
    row_id TEXT NOT NULL,
    messages TEXT NOT NULL,        -- JSON
    columns TEXT NOT NULL,         -- JSON
    answer TEXT NOT NULL,
    cause TEXT NOT NULL,
    passages TEXT NOT NULL,        -- JSON
    because TEXT NOT NULL,         -- JSON: pairs of kind and detail
    probability REAL,              -- with which chance drew it; NULL where it did not
    weight REAL NOT NULL,          -- for how many of all requests it stands; 0 where chance drew it not
    state TEXT NOT NULL DEFAULT 'pending',
    reference TEXT NOT NULL DEFAULT '',
    who TEXT NOT NULL DEFAULT '',
    reviewed_at TEXT NOT NULL DEFAULT '',
    origin TEXT NOT NULL DEFAULT '',
    told TEXT NOT NULL DEFAULT ''  -- state that its trace in MLflow shows
);
CREATE TABLE IF NOT EXISTS passed_over (request TEXT PRIMARY KEY, reason TEXT NOT NULL, of TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS picked_state ON picked (state, number);
"""
_FIELDS = (
    "request, number, at, candidate, row_id, messages, columns, answer, cause, passages, because, probability, "
    "weight, state, reference, who"
)
_REACHED, _STARTED = "reached", "started"
_AT_ONCE = 500


class QueueError(LifecycleError):
    """The queue cannot be written or read."""


class Queue:
    """The queue; safe for several processes. What was entered or said is on the disk.

    Raises:
        QueueError: it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path, timeout=30, check_same_thread=False)
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=FULL")
            self._connection.executescript(_SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise QueueError(f"{path}: cannot be opened: {error}; free the disk or mend the file's rights") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    @property
    def reached(self) -> int:
        """Number of the last request that a harvest has gone through; 0 before the first."""
        return int(self._fact(_REACHED) or 0)

    def enter(
        self,
        picked: Iterable[Picked],
        passed_over: Iterable[PassedOver],
        reasons: Mapping[str, Sequence[Reason]],
        draws: Mapping[str, float],
        reached: int,
    ) -> None:
        """Enters what a harvest picked, in one commit; a request that is there already stays as it is.

        Args:
            picked: for people to look at.
            passed_over: picked, and left out.
            reasons: all reasons of requests that wait already and have become known for another one.
            draws: by request, the weight of further requests drawn by chance that it stands for.
            reached: number of the last request that the harvest went through.
        """
        places = ", ".join("?" * (_FIELDS.count(",") + 1))
        self._write(
            (f"INSERT OR IGNORE INTO picked ({_FIELDS}) VALUES ({places})", [_values(each) for each in picked]),  # noqa: S608
            ("INSERT OR IGNORE INTO passed_over VALUES (?, ?, ?)", list(passed_over)),
            (
                "UPDATE picked SET because = ? WHERE request = ? AND state = 'pending'",
                [(_json(found), request) for request, found in reasons.items()],
            ),
            (
                "UPDATE picked SET weight = weight + ? WHERE request = ?",
                [(weight, request) for request, weight in draws.items()],
            ),
            ("INSERT OR REPLACE INTO facts VALUES (?, ?)", [(_REACHED, str(reached))]),
        )

    def known(self, requests: Collection[str]) -> frozenset[str]:
        """Returns those of some requests that were picked once, whatever became of them."""
        found: set[str] = set()
        names = list(requests)
        for start in range(0, len(names), _AT_ONCE):
            part = names[start : start + _AT_ONCE]
            marks = ", ".join("?" * len(part))
            query = (
                f"SELECT request FROM picked WHERE request IN ({marks}) "  # noqa: S608
                f"UNION SELECT request FROM passed_over WHERE request IN ({marks})"
            )
            found.update(request for (request,) in self._query(query, [*part, *part]))
        return frozenset(found)

    def all(self) -> tuple[Picked, ...]:
        """Returns every pick, in the order in which the requests came."""
        return self._picked("1 ORDER BY number", [])

    def pending(self) -> tuple[Picked, ...]:
        """Returns the picks that nobody has looked at, in the order in which the requests came."""
        return self._picked("state = 'pending' ORDER BY number", [])

    def labelled(self) -> tuple[Picked, ...]:
        """Returns the picks of which a person has said what the right answer is, in the order of the requests."""
        marks = ", ".join("?" * len(LABELLED))
        return self._picked(f"state IN ({marks}) ORDER BY number", LABELLED)

    def counts(self) -> dict[State, int]:
        """Returns how many picks are in each state."""
        found: Counter[str] = Counter(dict(self._query("SELECT state, count(*) FROM picked GROUP BY state", [])))
        return {state: found[state] for state in STATES}

    def review(self, request: str, said: Review) -> bool:
        """Keeps what a person said of a pick, at once; False where it is none, or somebody has done so before."""
        values = (said.state, said.reference, said.who, said.at, said.origin, request)
        statement = (
            "UPDATE picked SET state = ?, reference = ?, who = ?, reviewed_at = ?, origin = ? "
            "WHERE request = ? AND state = 'pending'"
        )
        return bool(self._write((statement, [values])))

    def untold(self) -> dict[str, State]:
        """Returns the picks whose trace does not show their state, with it."""
        return dict(self._query("SELECT request, state FROM picked WHERE told <> state ORDER BY number", []))

    def told(self, states: Mapping[str, State]) -> None:
        """Notes which state the traces of picks show."""
        self._write(
            ("UPDATE picked SET told = ? WHERE request = ?", [(state, request) for request, state in states.items()])
        )

    @property
    def started(self) -> int:
        """How many labelled picks there were when `augment` was started last; 0 before."""
        return int(self._fact(_STARTED) or 0)

    def start(self, labelled: int) -> None:
        """Notes that `augment` was started for so many labelled picks."""
        self._write(("INSERT OR REPLACE INTO facts VALUES (?, ?)", [(_STARTED, str(labelled))]))

    def _fact(self, name: str) -> str | None:
        found = self._query("SELECT value FROM facts WHERE name = ?", [name])
        return str(found[0][0]) if found else None

    def _picked(self, condition: str, values: Sequence[Any]) -> tuple[Picked, ...]:
        return tuple(_read(row) for row in self._query(f"SELECT {_FIELDS} FROM picked WHERE {condition}", values))  # noqa: S608

    def _query(self, query: str, values: Sequence[Any]) -> list[Any]:
        try:
            with closing(self._connection.execute(query, tuple(values))) as cursor:
                return cursor.fetchall()
        except sqlite3.Error as error:
            raise QueueError(f"{self.path}: cannot be read: {error}") from error

    def _write(self, *statements: tuple[str, Sequence[Sequence[Any]]]) -> int:
        """Runs statements in one commit, and returns how many lines the last of them changed."""
        changed = 0
        try:
            with self._connection:
                for statement, values in statements:
                    changed = self._connection.executemany(statement, values).rowcount
        except sqlite3.Error as error:
            raise QueueError(f"{self.path}: cannot be written: {error}; free the disk") from error
        return changed


def queue_path(home: Path, app: str) -> Path:
    """Returns the file of an app's queue."""
    return home / "harvest" / f"{app}.db"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _values(picked: Picked) -> tuple[Any, ...]:
    return (
        picked.request,
        picked.number,
        picked.at,
        picked.candidate,
        picked.row_id,
        _json([message._asdict() for message in picked.messages]),
        _json(picked.columns),
        picked.answer,
        picked.cause,
        _json([passage._asdict() for passage in picked.passages]),
        _json(picked.because),
        picked.probability,
        picked.weight,
        picked.state,
        picked.reference,
        picked.who,
    )


def _read(row: Sequence[Any]) -> Picked:
    return Picked(
        request=row[0],
        number=row[1],
        at=row[2],
        candidate=row[3],
        row_id=row[4],
        messages=tuple(message_of(each) for each in json.loads(row[5])),
        columns=json.loads(row[6]),
        answer=row[7],
        cause=row[8],
        passages=tuple(Passage(**each) for each in json.loads(row[9])),
        because=tuple(Reason(*each) for each in json.loads(row[10])),
        probability=row[11],
        weight=row[12],
        state=row[13],
        reference=row[14],
        who=row[15],
    )
