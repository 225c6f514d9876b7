"""The journal: every finished call, keyed by all that decides its answer.

Cache, crash recovery and cost ledger are this one table: a command that is repeated or was killed finds here what it
had finished. SQLite in WAL mode; many processes may write at once.
"""

import json
import logging
import os
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal, Self
from weakref import WeakSet

from tasks.journal.commits import GroupCommit
from tasks.journal.file import Record, checksum, connect, guarded, is_damage, problem
from tasks.journal.in_flight import InFlight
from tasks.journal.reading import EpochUsage, Saving, savings_of, usage_of

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["EpochUsage", "Journal", "Kind", "Saving"]

_log = logging.getLogger(__name__)

Kind = Literal["chat", "deferred", "embedding", "target"]
"""What was called; `deferred` is a chat call through a batch file, which has a price of its own."""

_FIND = "SELECT value, checksum, user, kind, model, input_tokens, output_tokens, cached_tokens FROM calls WHERE key = ?"
_NO_TOKENS = (0, 0, 0)
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_encode_as_ascii = json.JSONEncoder(separators=(",", ":")).encode


class Journal:
    """A journal on disk, opened at once and created where it is missing; closes as a context manager.

    Threads may share it, and a process that forks goes on with it on both sides.

    Args:
        path: its file; its folder is created.

    Attributes:
        in_flight: what this process is asking at this moment, and the journal will know.

    Raises:
        LifecycleError: the file cannot be opened, or is no journal.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._damaged: set[str] = set()
        # Two queries of one connection at once may get each other's parameters.
        self._reading = Lock()
        self.in_flight = InFlight()
        self._commits = GroupCommit(path)
        with guarded(path):
            self._reader = connect(path)
        with _opening:
            _open.add(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: "TracebackType | None"
    ) -> None:
        self.close()

    def close(self) -> None:
        """Writes what was put and closes the file.

        Raises:
            LifecycleError: not all could be written; says how many calls are lost.
        """
        with _opening:
            _open.discard(self)
        try:
            self._commits.close()
        finally:
            with self._reading:
                self._reader.close()

    def get(self, key: str, user: str = "") -> dict[str, Any] | None:
        """Returns what was journaled under `key`, and counts it as a call that was saved.

        Args:
            key: digest of all that decides the answer.
            user: id of the person who asks; the record belongs to them too from now on.

        Returns:
            The value; None where there is none. A damaged record is logged once and counts as missing: asking again
            replaces it.

        Raises:
            LifecycleError: the file cannot be read.
        """
        entry = self._entry(key)
        if entry is None:
            return None
        value, owner, kind, model, *tokens = entry
        if user and user != owner:
            self._commits.own(key, user)
        content: dict[str, Any] = json.loads(value)
        self._commits.count(model, kind, tokens)
        return content

    def peek(self, key: str) -> dict[str, Any] | None:
        """Returns what was journaled under `key`, as `get` does, without counting it as saved."""
        entry = self._entry(key)
        return None if entry is None else dict(json.loads(entry[0]))

    def holds(self, key: str) -> bool:
        """Returns whether something was journaled under `key`, without counting it as saved.

        Raises:
            LifecycleError: the file cannot be read.
        """
        return self._commits.find(key) is not None or self._find(key) is not None

    def put(self, key: str, epoch: str, model: str, value: dict[str, Any], kind: Kind = "chat", user: str = "") -> None:
        """Takes a finished call; `get` finds it at once, and the file has it within `COMMIT_INTERVAL_S`.

        A process that is killed loses what it put in that time; `flush` waits until there is nothing to lose.

        Args:
            key: digest of all that decides the answer.
            epoch: round of asking.
            model: name for reports.
            value: what JSON can hold; `usage`, where given, is `[input, output, cached]` tokens.
            kind: what was called.
            user: id of the person whom the call belongs to; "" for nobody.

        Raises:
            LifecycleError: what was put before could not be written: the disk is full, the file damaged or locked.
                This call is taken all the same, none is dropped, and the next commit tries again.
            UnicodeEncodeError: a name is no text that a file can hold; nothing is taken.
        """
        # A name that no file can hold fails here instead of in the thread, with the records of others.
        "".join((epoch, model, user)).encode()
        text = _encode(value)
        try:
            digits = checksum(key, text)
        except UnicodeEncodeError:
            # Half an emoji, as some endpoints send it: no file can hold it unless it is escaped.
            text = _encode_as_ascii(value)
            digits = checksum(key, text)
        at = datetime.now(UTC).isoformat(timespec="microseconds")
        tokens = [count or 0 for count in (*(value.get("usage") or ()), *_NO_TOKENS)[:3]]
        self._commits.add(Record(key, epoch, kind, model, text, digits, at, user, *tokens))

    def flush(self) -> None:
        """Returns once everything put so far is in the file: a killed process loses nothing of it.

        A power cut may still take the last commits with it (`synchronous = NORMAL`); the file stays whole.

        Raises:
            LifecycleError: it cannot be written; nothing is dropped, and the next commit tries again.
        """
        self._commits.flush()

    @property
    def damaged(self) -> int:
        """How many damaged records `get` has met."""
        return len(self._damaged)

    def usage(self, epoch: str | None = None) -> tuple[EpochUsage, ...]:
        """Returns what was asked, by epoch, kind and model; of one epoch where it is given.

        Raises:
            LifecycleError: what waits cannot be written, or the file cannot be read.
        """
        self.flush()
        with guarded(self.path), self._reading:
            return usage_of(self._reader, epoch)

    def savings(self) -> tuple[Saving, ...]:
        """Returns what was found here instead of being asked, ever since the journal began, by model and kind.

        Raises:
            LifecycleError: what waits cannot be written, or the file cannot be read.
        """
        self.flush()
        with guarded(self.path), self._reading:
            return savings_of(self._reader)

    def _entry(self, key: str) -> Any:
        """Returns value, owner, kind, model and tokens of an undamaged record; None where there is none."""
        waiting = self._commits.find(key)
        if waiting is not None:
            return (waiting[4], waiting[7], *waiting[2:4], *waiting[8:])
        found = self._find(key)
        if found is None:
            return None
        value, expected, *about = found
        if not isinstance(value, str) or checksum(key, value) != expected:
            self._note_damage(key)
            return None
        return (value, *about)

    def _find(self, key: str) -> Any:
        try:
            with self._reading:
                return self._reader.execute(_FIND, (key,)).fetchone()
        except sqlite3.Error as error:
            if not is_damage(error):
                raise problem(self.path, error) from None
            self._note_damage(key)
            return None

    def _note_damage(self, key: str) -> None:
        if key not in self._damaged:
            self._damaged.add(key)
            _log.warning("journal %s: record %s is damaged and is asked again", self.path, key)

    def _before_fork(self) -> None:
        self._commits.before_fork()
        self._reading.acquire()
        self._reader.close()

    def _after_fork(self, *, in_child: bool) -> None:
        try:
            self._commits.after_fork(in_child=in_child)
            self._reader = connect(self.path)
        finally:
            self._reading.release()


_open: WeakSet[Journal] = WeakSet()
_opening = Lock()
_forking: list[Journal] = []


def _before_fork() -> None:
    _opening.acquire()
    _forking.extend(_open)
    for journal in _forking:
        journal._before_fork()


def _after_fork(*, in_child: bool) -> None:
    try:
        for journal in _forking:
            journal._after_fork(in_child=in_child)
    finally:
        _forking.clear()
        _opening.release()


os.register_at_fork(
    before=_before_fork,
    after_in_parent=lambda: _after_fork(in_child=False),
    after_in_child=lambda: _after_fork(in_child=True),
)
