"""The release log of an app: an append-only file of hash-chained entries, one JSON object a line.

An entry counts once `append` has returned: it is then on the disk. A crash or a full disk can leave only an unfinished
last line, which was never acknowledged; it is reported and cut at the next append. Everything else that does not fit
the chain is an alteration, and nothing is read from or added to an altered log.
"""

import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, cast

from filelock import FileLock, Timeout
from pydantic import ValidationError

from configs.errors import ReleaseError
from configs.settings import settings
from tasks.releasing.entry import GENESIS, Entry, Kind, hash_of, line_of

_log = logging.getLogger(__name__)


class BusyError(ReleaseError):
    """Another process is changing the champion right now."""


class Chain(NamedTuple):
    """An intact log: how many entries, the last one's hash, and the bytes of an unfinished last line (0: none)."""

    entries: int
    head: str
    torn_bytes: int


class _Content(NamedTuple):
    entries: tuple[Entry, ...]
    size: int  # bytes of the entries, without an unfinished last line
    torn_bytes: int
    newline_missing: bool

    @property
    def head(self) -> str:
        return self.entries[-1].hash if self.entries else GENESIS


class ReleaseLog:
    """The release log in one file; safe for many processes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = FileLock(path.with_suffix(".lock"))

    @contextmanager
    def hold(self, wait_s: float = 900) -> Iterator[None]:
        """Keeps every other process from changing the champion while the block runs. May be nested.

        The lock ends with the process that holds it.

        Raises:
            BusyError: another process still held it after `wait_s` seconds.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._lock.acquire(timeout=wait_s)
        except Timeout:
            raise BusyError(f"{self.path}: another process is releasing {self.path.stem}; wait for it to end") from None
        try:
            yield
        finally:
            self._lock.release()

    def append(self, kind: Kind, **facts: Any) -> Entry:
        """Adds an entry and returns it once it is on the disk.

        Args:
            kind: what is recorded.
            facts: the other fields of `Entry`, but for `sequence`, `at` and the hashes.

        Raises:
            ReleaseError: the log was altered, or could not be written; then it is as it was before.
        """
        with self.hold():
            found = self._read()
            content = Entry(
                sequence=len(found.entries) + 1,
                at=datetime.now(UTC).isoformat(),
                kind=kind,
                previous_hash=found.head,
                hash="",
                **facts,
            ).model_dump(mode="json")
            content["hash"] = hash_of(content)
            if found.torn_bytes:
                _log.warning("%s: cut %d bytes of an unfinished last line", self.path, found.torn_bytes)
            self._write((b"\n" if found.newline_missing else b"") + line_of(content) + b"\n", found.size)
            return Entry.model_validate(content)

    def entries(self) -> tuple[Entry, ...]:
        """Returns all entries, oldest first; an unfinished last line is none.

        Raises:
            ReleaseError: the log was altered.
        """
        return self._read().entries

    def committed(self) -> Entry | None:
        """Returns the last committed entry, the one that names the champion; None before the first release."""
        return next((entry for entry in reversed(self.entries()) if entry.kind == "commit"), None)

    def verify(self) -> Chain:
        """Checks every entry against its hash and against the entry before.

        Raises:
            ReleaseError: an entry was altered, removed or put in; the message names it.
        """
        found = self._read()
        return Chain(len(found.entries), found.head, found.torn_bytes)

    def _read(self) -> _Content:
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return _Content((), 0, 0, newline_missing=False)
        except OSError as error:
            raise ReleaseError(f"{self.path}: cannot be read: {error.strerror}; mend the file's rights") from error
        *lines, tail = content.split(b"\n")
        torn = bool(tail) and _is_unfinished(tail)
        if tail and not torn:
            lines.append(tail)
        entries: list[Entry] = []
        for line in lines:
            entries.append(self._entry(line, entries[-1] if entries else None))
        torn_bytes = len(tail) if torn else 0
        return _Content(tuple(entries), len(content) - torn_bytes, torn_bytes, newline_missing=bool(tail) and not torn)

    def _entry(self, line: bytes, before: Entry | None) -> Entry:
        sequence = before.sequence + 1 if before else 1
        altered = f"{self.path}: entry {sequence} was altered: "
        mend = "; restore the file from a backup"
        try:
            content = cast("dict[str, Any]", json.loads(line))
            entry = Entry.model_validate(content)
        except (UnicodeDecodeError, json.JSONDecodeError, ValidationError):
            raise ReleaseError(f"{altered}it cannot be read{mend}") from None
        if entry.hash != hash_of(content) or line != line_of(content):
            raise ReleaseError(f"{altered}its content does not match its hash{mend}")
        if entry.previous_hash != (before.hash if before else GENESIS) or entry.sequence != sequence:
            raise ReleaseError(f"{altered}it does not follow the entry before it{mend}")
        return entry

    def _write(self, line: bytes, size: int) -> None:
        """Writes `line` after the first `size` bytes; what lies behind them goes. On failure those bytes remain."""
        created = not self.path.exists()
        try:
            file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                os.ftruncate(file, size)
                os.lseek(file, size, os.SEEK_SET)
                try:
                    _write_all(file, line)
                except OSError:
                    with suppress(OSError):
                        os.ftruncate(file, size)
                    raise
            finally:
                os.close(file)
            if created:
                _sync_folder(self.path.parent)
        except OSError as error:
            raise ReleaseError(
                f"{self.path}: the release log could not be written: {error.strerror or error}; "
                f"free the disk or mend the folder's rights"
            ) from error


def release_log(app: str) -> ReleaseLog:
    """Returns the release log of an app, under `home/releases`."""
    return ReleaseLog(settings().folder("releases") / f"{app}.jsonl")


def _is_unfinished(tail: bytes) -> bool:
    """True where a line without its end holds no whole object: what a write that was cut off leaves."""
    try:
        json.JSONDecoder().raw_decode(tail.decode("utf-8", "ignore"))
    except json.JSONDecodeError:
        return True
    return False


def _write_all(file: int, content: bytes) -> None:
    while content:
        content = content[os.write(file, content) :]
    os.fsync(file)


def _sync_folder(folder: Path) -> None:
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
