"""The outbox of an app: its alerts, and the messages that each channel has got or waits for, in one SQLite file.

A look writes what changed and what is to be told in one commit, so that a process may die anywhere: what is told was
written before, and what was written is told by whoever comes next.
"""

import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple, Self

from configs.settings import settings
from tasks.alerting.alert import Alert
from tasks.alerting.channel import Channel
from tasks.alerting.comparing import Look, compared, message_for
from tasks.alerting.found import Found
from tasks.alerting.message import Message
from tasks.alerting.outbox_file import OutboxFile
from tasks.alerting.tried import Tried

_REFUSED_AFTER = 3
"""Times that its receiver cannot read a message before it is given up: what is behind it must not wait for ever."""

State = Literal["waiting", "delivered", "refused", "dropped"]
_FIELDS = "number, kind, url_env, secret_env, message, state, tries, tried, due, stuck, problem, ended"


class Delivery(NamedTuple):
    """A message on its way to a channel.

    Attributes:
        number: its place in the order of all.
        channel: where to.
        message: what.
        state: `refused`: its receiver cannot read it; `dropped`: its channel is configured no more.
        tries: so far.
        tried: Unix time of the last one.
        due: Unix time of the next try.
        stuck: whether somebody has to mend something before it can work.
        problem: of the last try; "" where there was none.
        ended: when it was delivered or given up.
    """

    number: int
    channel: Channel
    message: Message
    state: State
    tries: int
    tried: float
    due: float
    stuck: bool
    problem: str
    ended: datetime | None

    def is_due(self, at: datetime) -> bool:
        """Returns whether it may be tried now: its pause is over, or the clock was set back behind the last try."""
        return not self.tried <= at.timestamp() < self.due


class Outbox:
    """An app's alerts and messages; safe for many threads and processes. What was written is on the disk.

    Attributes:
        path: of the file.
        app: name of the app.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.app = path.stem
        self._file = OutboxFile(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def look(
        self,
        source: str,
        found: Sequence[Found],
        channels: Sequence[Channel],
        at: datetime,
        unknown: Collection[str] = (),
        ends: bool = True,
    ) -> Look:
        """Notes what a source finds wrong now, and writes the messages that tell of what changed.

        Args:
            source: who looks; its open alerts that it does not find any more are over.
            found: all that it finds.
            channels: who is told.
            at: now, in UTC.
            unknown: keys that it could not judge: they stay as they are.
            ends: False where all that it does not find stays as it is.

        Raises:
            OutboxError: it could not be written; nothing of it is.
        """
        presentable = [each.presentable() for each in found]
        with self._file.commit() as file:
            lines = file.execute("SELECT alert FROM alerts WHERE source = ? AND open = 1 ORDER BY began", [source])
            before = {alert.key: alert for alert in (Alert.model_validate_json(line) for (line,) in lines)}
            look = compared(self.app, source, before, presentable, unknown, at, ends)
            for alert in (*look.opened, *look.lasting, *look.recovered):
                values = (alert.id, source, alert.key, alert.recovered is None, alert.began.isoformat())
                file.execute("REPLACE INTO alerts VALUES (?, ?, ?, ?, ?, ?)", (*values, alert.model_dump_json()))
            for channel in channels:
                known = (channel.name, channel.kind, channel.url_env, channel.secret_env)
                file.execute("REPLACE INTO channels VALUES (?, ?, ?, ?)", known)
                told = dict(file.execute("SELECT alert, at FROM told WHERE channel = ?", [channel.name]))
                heard = {alert: datetime.fromisoformat(when) for alert, when in told.items()}
                if message := message_for(channel, self.app, look, heard, at):
                    _put(file, channel, message)
            file.executemany("DELETE FROM told WHERE alert = ?", [(alert.id,) for alert in look.recovered])
        return look

    def keep_only(self, channels: Sequence[Channel], at: datetime) -> None:
        """Drops what waits for channels other than these: they are configured no more; later they hear anew."""
        names = [channel.name for channel in channels]
        others = f"channel NOT IN ({', '.join('?' * len(names))})"
        with self._file.commit() as file:
            dropped = f"UPDATE deliveries SET state = 'dropped', ended = ? WHERE state = 'waiting' AND {others}"  # noqa: S608
            file.execute(dropped, [at.isoformat(), *names])
            file.execute(f"DELETE FROM told WHERE {others}", names)  # noqa: S608

    def waiting(self) -> tuple[Delivery, ...]:
        """Returns the oldest message that waits, of each channel that has one: no other may be sent before it."""
        oldest = "SELECT min(number) FROM deliveries WHERE state = 'waiting' GROUP BY channel"
        return self._deliveries(f"number IN ({oldest}) ORDER BY number")

    def head(self, channel: str) -> Delivery | None:
        """Returns the oldest message that waits for a channel."""
        return next(iter(self._deliveries("channel = ? AND state = 'waiting' ORDER BY number LIMIT 1", channel)), None)

    def count_waiting(self, channel: str) -> int:
        """Returns how many messages wait for a channel."""
        query = "SELECT count(*) FROM deliveries WHERE channel = ? AND state = 'waiting'"
        return int(self._file.read(query, channel)[0][0])

    def note(self, delivery: Delivery, tried: Tried, at: datetime) -> None:
        """Notes what came of a try.

        Raises:
            OutboxError: it could not be written; the message will be sent again.
        """
        tries, now = delivery.tries + 1, at.timestamp()
        due = now + tried.pause_s(tries)
        stuck = tried.outcome in ("stuck", "unreadable")
        changed = "state = ?, tries = ?, tried = ?, due = ?, stuck = ?, problem = ?, ended = ?"
        with self._file.commit() as file:
            state = _state_after(file, delivery, tried)
            ended = None if state == "waiting" else at.isoformat()
            values = (state, tries, now, due, stuck, tried.problem, ended, delivery.number)
            file.execute(f"UPDATE deliveries SET {changed} WHERE number = ? AND state = 'waiting'", values)  # noqa: S608

    def alerts(self, limit: int) -> tuple[Alert, ...]:
        """Returns the open alerts, then those that are over, newest first."""
        lines = self._file.read("SELECT alert FROM alerts ORDER BY open DESC, began DESC, id LIMIT ?", limit)
        return tuple(Alert.model_validate_json(line) for (line,) in lines)

    def deliveries(self, limit: int) -> tuple[Delivery, ...]:
        """Returns messages to all channels, newest first."""
        return self._deliveries("true ORDER BY number DESC LIMIT ?", limit)

    def _deliveries(self, condition: str, *values: object) -> tuple[Delivery, ...]:
        query = f"SELECT {_FIELDS} FROM deliveries JOIN channels ON name = channel WHERE {condition}"  # noqa: S608
        return tuple(_delivery(line) for line in self._file.read(query, *values))


def outbox_file(app: str) -> Path:
    """Returns the file of an app's outbox, which is there once the app has ever had something to tell."""
    return settings().folder("alerts") / f"{app}.db"


def outbox_files() -> tuple[Path, ...]:
    """Returns the files of all outboxes that there are."""
    return tuple(sorted(settings().folder("alerts").glob("*.db")))


def open_outbox(app: str) -> Outbox:
    """Returns the outbox of an app, which is made where it is missing."""
    return Outbox(outbox_file(app))


@contextmanager
def outboxes() -> Iterator[tuple[Outbox, ...]]:
    """Opens the outboxes of all apps that ever had something to tell."""
    with ExitStack() as opened:
        yield tuple(opened.enter_context(Outbox(path)) for path in outbox_files())


def utc_now() -> datetime:
    """Returns now, in UTC."""
    return datetime.now(UTC)


def _put(file: sqlite3.Connection, channel: Channel, message: Message) -> None:
    told = [(alert.id, channel.name, message.at.isoformat()) for alert in message.alerts]
    file.executemany("REPLACE INTO told VALUES (?, ?, ?)", told)
    values = (channel.name, message.model_dump_json())
    file.execute("INSERT INTO deliveries (channel, message) VALUES (?, ?)", values)


def _state_after(file: sqlite3.Connection, delivery: Delivery, tried: Tried) -> State:
    """Returns what becomes of a message; only tries after which it could not be read bring it nearer to its end."""
    if tried.outcome == "delivered":
        return "delivered"
    if tried.outcome != "unreadable":
        return "waiting"
    counted = "INSERT INTO unreadable VALUES (?, 1) ON CONFLICT DO UPDATE SET tries = tries + 1 RETURNING tries"
    [(times,)] = file.execute(counted, [delivery.number]).fetchall()
    return "refused" if times >= _REFUSED_AFTER else "waiting"


def _delivery(line: Sequence[Any]) -> Delivery:
    number, kind, url_env, secret_env, message, state, tries, tried, due, stuck, problem, ended = line
    return Delivery(
        number=number,
        channel=Channel(kind, url_env, secret_env),
        message=Message.model_validate_json(message),
        state=state,
        tries=tries,
        tried=tried,
        due=due,
        stuck=bool(stuck),
        problem=problem,
        ended=datetime.fromisoformat(ended) if ended else None,
    )
