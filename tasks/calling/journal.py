"""The journal: every finished call, keyed by all that decides its answer.

Cache, crash recovery and cost ledger are this one table: a command that is repeated or was killed finds here what it
had finished. SQLite in WAL mode; many processes may write at once.
"""

import hashlib
import json
import logging
import shutil
import sqlite3
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from configs.errors import LifecycleError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

_log = logging.getLogger(__name__)

Kind = Literal["chat", "embedding", "target"]

_TABLE = """
CREATE TABLE IF NOT EXISTS calls (
    key TEXT PRIMARY KEY,
    epoch TEXT NOT NULL,
    kind TEXT NOT NULL,
    model TEXT NOT NULL,
    value TEXT NOT NULL,
    checksum TEXT NOT NULL,
    at TEXT NOT NULL
) WITHOUT ROWID
"""
_WAIT_S = 30.0
_NEARLY_FULL_BYTES = 1 << 20


class EpochUsage(NamedTuple):
    """What one model was asked in one epoch. Tokens are 0 where the endpoint did not count them."""

    epoch: str
    kind: Kind
    model: str
    calls: int
    input: int
    output: int


class Journal:
    """A journal on disk, opened at once and created where it is missing; closes as a context manager.

    Args:
        path: its file; its folder is created.

    Raises:
        LifecycleError: the file cannot be opened, or is no journal.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._guarded():
            path.parent.mkdir(parents=True, exist_ok=True)
            # Every statement is its own transaction, and SQLite itself takes care of threads.
            self._database = sqlite3.connect(path, timeout=_WAIT_S, isolation_level=None, check_same_thread=False)
            self._database.execute("PRAGMA journal_mode = WAL")
            # A killed process loses nothing at this level; only a power cut may take the last calls with it.
            self._database.execute("PRAGMA synchronous = NORMAL")
            self._database.execute(_TABLE)

    def __enter__(self) -> "Journal":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: "TracebackType | None"
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file."""
        self._database.close()

    def get(self, key: str) -> dict[str, Any] | None:
        """Returns what was journaled under `key`; None where nothing was, or where the record is damaged.

        A damaged record is logged; asking again replaces it.
        """
        with self._guarded():
            found = self._database.execute("SELECT value, checksum FROM calls WHERE key = ?", (key,)).fetchone()
        if found is None:
            return None
        value, checksum = found
        if not isinstance(value, str) or _checksum(key, value) != checksum:
            _log.warning("journal %s: record %s is damaged and is asked again", self.path, key)
            return None
        content: dict[str, Any] = json.loads(value)
        return content

    def put(self, key: str, epoch: str, model: str, value: dict[str, Any], kind: Kind = "chat") -> None:
        """Writes a finished call; on disk, whole, when this returns.

        Args:
            key: digest of all that decides the answer.
            epoch: round of asking.
            model: name for reports.
            value: what JSON can hold; `usage`, where given, is `[input, output, cached]` tokens.
            kind: what was called.

        Raises:
            LifecycleError: the disk is full, or the file cannot be written.
        """
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        record = (key, epoch, kind, model, text, _checksum(key, text), datetime.now(UTC).isoformat(timespec="seconds"))
        with self._guarded():
            self._database.execute("INSERT OR REPLACE INTO calls VALUES (?, ?, ?, ?, ?, ?, ?)", record)

    def usage(self, epoch: str | None = None) -> tuple[EpochUsage, ...]:
        """Returns what was asked, by epoch, kind and model; of one epoch where it is given."""
        with self._guarded():
            rows = self._database.execute(
                "SELECT epoch, kind, model, count(*), "
                "coalesce(sum(CASE WHEN json_valid(value) THEN json_extract(value, '$.usage[0]') END), 0), "
                "coalesce(sum(CASE WHEN json_valid(value) THEN json_extract(value, '$.usage[1]') END), 0) "
                "FROM calls WHERE epoch = coalesce(?, epoch) GROUP BY epoch, kind, model ORDER BY epoch, kind, model",
                (epoch,),
            ).fetchall()
        return tuple(EpochUsage(*row) for row in rows)

    @contextmanager
    def _guarded(self) -> "Iterator[None]":
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise LifecycleError(self._problem(error)) from None

    def _problem(self, error: sqlite3.Error | OSError) -> str:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and self._disk_is_full()):
            return f"disk full at {self.path}; free space and run the same command again; what is finished is kept"
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            return f"journal {self.path} is damaged ({error}); move it away and run the same command again"
        if code == sqlite3.SQLITE_BUSY:
            return f"journal {self.path} was locked for {_WAIT_S:g} s; end the process that holds it and run again"
        return f"journal {self.path} cannot be used: {error}; check that the folder can be written to"

    def _disk_is_full(self) -> bool:
        return shutil.disk_usage(self.path.parent).free < _NEARLY_FULL_BYTES


def _checksum(key: str, value: str) -> str:
    return hashlib.sha256(f"{key}\n{value}".encode()).hexdigest()[:16]
