"""Group commit: records wait in memory for a moment, and a thread writes all that wait in one transaction."""

import logging
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from threading import Event, Lock, Thread
from time import monotonic, sleep

from configs.errors import LifecycleError
from tasks.journal.file import Record, connect, guarded, is_lock, problem, transaction, write

_log = logging.getLogger(__name__)

COMMIT_INTERVAL_S = 0.05
"""After which a record is in the file, where a commit takes no longer than the hundredth of a second left to it."""
_BEGIN_EVERY_S = 0.04
COMMIT_RECORDS = 500
_REST_S = 1e-6

_SAVE = (
    "INSERT INTO savings VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (model, kind) DO UPDATE SET "
    "calls = calls + excluded.calls, input_tokens = input_tokens + excluded.input_tokens, "
    "output_tokens = output_tokens + excluded.output_tokens, cached_tokens = cached_tokens + excluded.cached_tokens"
)

# Where another process has erased the record meanwhile, it belongs to nobody any more.
_OWN = "INSERT OR IGNORE INTO owners SELECT ?, ? WHERE EXISTS (SELECT 1 FROM calls WHERE key = ?)"

_Savings = dict[tuple[str, str], list[int]]


class GroupCommit:
    """What was put and is not in the file yet, and the thread that brings it there.

    A commit begins soon enough after the one before that a record is in the file within `COMMIT_INTERVAL_S`, or as soon
    as `COMMIT_RECORDS` wait: a process that is killed loses no more than what came since, and nothing that was there
    when `flush` returned. What cannot be written goes on waiting: the next `add` raises why, once, and the next commit
    tries again. The thread lives while there is something to write, and the interpreter waits for it at its end.

    Raises:
        LifecycleError: the file cannot be opened, or is no journal.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()  # of the fields below, for moments
        self._committing = Lock()  # of the connection, for a transaction; taken before the other
        self._records: dict[str, Record] = {}
        self._savings: _Savings = {}
        self._owners: set[tuple[str, str]] = set()
        self._problem: LifecycleError | None = None
        self._closed = False
        self._writer: Thread | None = None
        self._early = Event()
        with guarded(path):
            self._database = connect(path)

    def find(self, key: str) -> Record | None:
        """Returns a record that waits. It stops waiting only once the file has it."""
        return self._records.get(key)

    def add(self, record: Record) -> None:
        """Lets a record wait for the next commit.

        Raises:
            LifecycleError: a commit before this one failed. This record waits all the same.
        """
        with self._lock:
            if self._closed:
                raise LifecycleError(f"journal {self._path} is closed; open it again to put into it")
            replaced = self._records.get(record.key)
            if replaced is not None and replaced.user not in ("", record.user):
                self._owners.add((record.key, replaced.user))
            self._records[record.key] = record
            self._wake()
            failed, self._problem = self._problem, None
            behind = len(self._records) > COMMIT_RECORDS
        if failed:
            raise failed
        if behind:
            # A caller that never rests would keep the thread from the interpreter's lock.
            sleep(_REST_S)

    def count(self, model: str, kind: str, tokens: Sequence[int]) -> None:
        """Counts one call that was not made, and its tokens: input, output, cached."""
        with self._lock:
            saved = self._savings.setdefault((model, kind), [0, 0, 0, 0])
            saved[0] += 1
            saved[1] += tokens[0]
            saved[2] += tokens[1]
            saved[3] += tokens[2]
            self._wake()

    def own(self, key: str, user: str) -> None:
        """Notes a further person whom a record belongs to."""
        with self._lock:
            self._owners.add((key, user))
            self._wake()

    def flush(self) -> None:
        """Returns once the file has every record that was added before.

        Raises:
            LifecycleError: it cannot be written; what was added goes on waiting.
        """
        try:
            with self._committing:
                self._commit()
        except (sqlite3.Error, OSError) as error:
            # Counts alone are not worth an error: they go on waiting.
            if self._records or self._owners:
                raise problem(self._path, error) from None

    def close(self) -> None:
        """Flushes, and leaves neither thread nor open file.

        Raises:
            LifecycleError: not all could be written; says how many records are lost.
        """
        with self._lock:
            self._closed, writer = True, self._writer
        self._early.set()
        if writer is not None:
            writer.join()
        try:
            with self._committing:
                self._commit()
        except (sqlite3.Error, OSError) as error:
            if self._records or self._owners:
                raise problem(self._path, error, lost=len(self._records)) from None
            _log.warning("journal %s: what reuse saved could not be counted: %s", self._path, error)
        finally:
            self._records, self._savings, self._owners = {}, {}, set()
            self._database.close()

    def before_fork(self) -> None:
        """Closes the file. SQLite keeps its locks of a file per process: nothing of it may be carried into a child."""
        self._committing.acquire()
        try:
            self._commit()
        except (sqlite3.Error, OSError) as error:
            _log.info("journal %s: not written before a fork, tried again after it: %s", self._path, error)
        self._lock.acquire()
        self._database.close()

    def after_fork(self, *, in_child: bool) -> None:
        """Opens the file again. What could not be written before goes on waiting in the parent alone."""
        if in_child:
            self._records, self._savings, self._owners = {}, {}, set()
            self._problem, self._writer, self._early = None, None, Event()
        try:
            self._database = connect(self._path)
        finally:
            self._lock.release()
            self._committing.release()

    def _wake(self) -> None:
        if self._writer is None and not self._closed:
            writer = Thread(target=self._write_what_comes, name=f"journal {self._path.name}")
            writer.start()
            self._writer = writer
        if len(self._records) >= COMMIT_RECORDS:
            self._early.set()

    def _write_what_comes(self) -> None:
        """The thread: ends after an interval without anything to write, when closed, and on an error."""
        written, due = True, monotonic() + _BEGIN_EVERY_S
        while written:
            self._early.wait(max(0.0, due - monotonic()))
            self._early.clear()
            failed, due = None, monotonic() + _BEGIN_EVERY_S
            try:
                with self._committing:
                    written = self._commit()
            except Exception as error:  # whatever it is, the caller must hear of it
                failed = problem(self._path, error)
            with self._lock:
                left = bool(self._records or self._owners or self._savings)
                written = not failed and not self._closed and (written or left)
                if not written:
                    self._problem = failed if self._records or self._owners else None
                    self._writer = None

    def _commit(self) -> bool:
        """Writes what waits; whether there was anything. Only whoever holds `_committing` may call it."""
        with self._lock:
            records, owners = list(self._records.values()), frozenset(self._owners)
            savings, self._savings = self._savings, {}
        if not records and not savings and not owners:
            return False
        try:
            self._write(records, savings)
            self._write_owners(owners)
        except BaseException:
            with self._lock:
                for of, saved in savings.items():
                    since = self._savings.get(of, [0, 0, 0, 0])
                    self._savings[of] = [one + other for one, other in zip(saved, since, strict=True)]
            raise
        return True

    def _write_owners(self, owners: frozenset[tuple[str, str]]) -> None:
        if not owners:
            return
        with transaction(self._database):
            self._database.executemany(_OWN, [(*own, own[0]) for own in owners])
        with self._lock:
            self._owners -= owners

    def _write(self, records: Sequence[Record], savings: _Savings) -> None:
        try:
            self._transact(records, savings)
        except sqlite3.Error as error:
            if len(records) < 2 or is_lock(error):
                raise
            # What is too much for a disk that is nearly full may fit in part.
            half = len(records) // 2
            self._write(records[:half], savings)
            self._write(records[half:], savings)

    def _transact(self, records: Sequence[Record], savings: _Savings) -> None:
        with transaction(self._database):
            write(self._database, records)
            self._database.executemany(_SAVE, [(*of, *saved) for of, saved in savings.items()])
        with self._lock:
            for record in records:
                if self._records.get(record.key) is record:
                    del self._records[record.key]
            self._problem = None
        savings.clear()
