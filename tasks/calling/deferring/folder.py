"""What is remembered on disk of batches, so that no crash loses one or makes it twice.

Each batch has a file of its lines and a small one that says how far it has come. The second is written before anything
is sent: whatever a killed command had begun is found there.
"""

import hashlib
import os
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from configs.errors import DataError
from configs.schema.base import Frozen
from tasks.calling.deferring.lines import key_of
from tasks.writing import write_whole, writing

MOST_LINES = 50_000
MOST_BYTES = 100_000_000
"""Of one file; OpenAI takes no more lines, and twice the bytes: others, and older versions, do not."""


class Remembered(Frozen):
    """A batch that was begun, and how far it has come."""

    intent: str
    """Names the batch here and in its metadata: no other batch has it, be its lines the same."""
    digest: str
    """Of its lines."""
    lines: int
    """How many they are."""
    at: float
    """When it was begun, in seconds since 1970."""
    file: str = ""
    """Id of its lines at the endpoint, "" before they are there."""
    batch: str = ""
    """Id of the batch, "" until the endpoint has said it."""
    collected: bool = False
    """Whether every answer is in the journal."""
    rubbish: tuple[str, ...] = ()
    """Ids of files at the endpoint that nobody needs any more."""

    @property
    def metadata(self) -> dict[str, str]:
        """What the batch carries at the endpoint, by which it is found there."""
        return {"lifecycle": self.digest, "lifecycle-intent": self.intent}


class BatchFolder:
    """The batches of one scope. Only whoever holds its lock may use it.

    Args:
        path: the folder; made where it is missing. What a killed command had not finished writing is removed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with writing(path):
            path.mkdir(parents=True, exist_ok=True)
            for lines in (*path.glob("*.part"), *path.glob("*.jsonl")):
                if not lines.with_suffix(".json").exists():
                    lines.unlink(missing_ok=True)

    def unfinished(self) -> list[Remembered]:
        """Returns the batches that were begun and are not done with, the oldest first.

        Raises:
            DataError: a file cannot be read.
        """
        known = [_read(file) for file in self.path.glob("*.json")]
        return sorted((one for one in known if not one.collected or one.rubbish), key=lambda one: one.at)

    def remember(self, remembered: Remembered) -> Remembered:
        """Writes how far a batch has come, and returns it.

        Raises:
            DataError: the disk is full.
        """
        write_whole(self.file_of(remembered), remembered.model_dump_json(indent=1).encode())
        return remembered

    def forget(self, remembered: Remembered) -> None:
        """Removes a batch of which there is nothing at the endpoint."""
        self.file_of(remembered).unlink(missing_ok=True)
        self.drop_lines(remembered)

    def file_of(self, remembered: Remembered) -> Path:
        """Returns the file that says how far a batch has come."""
        return self.path / f"{remembered.intent}.json"

    def lines_of(self, remembered: Remembered) -> Path:
        """Returns the file of a batch's lines; it is there until they are collected."""
        return self.path / f"{remembered.intent}.jsonl"

    def drop_lines(self, remembered: Remembered) -> None:
        """Removes the file of a batch's lines."""
        self.lines_of(remembered).unlink(missing_ok=True)

    def keys_of(self, remembered: Remembered) -> Iterator[str]:
        """Yields the keys of a batch's questions.

        Raises:
            DataError: its lines cannot be read.
        """
        path = self.lines_of(remembered)
        try:
            with path.open("rb") as lines:
                for line in lines:
                    yield key_of(line)
        except (OSError, ValueError, KeyError, TypeError):
            raise DataError(
                f"{path}: the lines of batch {remembered.batch or 'that was begun'} cannot be read; put the file back, "
                f"or delete it and {self.file_of(remembered).name} beside it to ask its questions anew"
            ) from None


class LineFile:
    """Lines on their way into a file, until it is full.

    Args:
        folder: where its batch will be remembered.
    """

    def __init__(self, folder: BatchFolder) -> None:
        self._folder = folder
        self._intent = secrets.token_hex(8)
        self._part = folder.path / f"{self._intent}.part"
        self._hash = hashlib.sha256()
        self._lines = self._bytes = 0
        with writing(self._part):
            self._file = self._part.open("wb")

    def has_room(self, line: bytes) -> bool:
        """Returns whether one more line may go into the same batch."""
        return self._lines < MOST_LINES and self._bytes + len(line) <= MOST_BYTES

    def add(self, line: bytes) -> None:
        """Writes a line.

        Raises:
            DataError: the disk is full.
        """
        with writing(self._part):
            self._file.write(line)
        self._hash.update(line)
        self._lines += 1
        self._bytes += len(line)

    def finish(self) -> Remembered:
        """Returns the batch that is to be made of the lines; from here on it is remembered.

        Raises:
            DataError: the disk is full.
        """
        begun = Remembered(intent=self._intent, digest=self._hash.hexdigest()[:16], lines=self._lines, at=time.time())
        with writing(self._part):
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self._part.replace(self._folder.lines_of(begun))
        return self._folder.remember(begun)

    def discard(self) -> None:
        """Removes what was written, where it was not finished."""
        self._file.close()
        self._part.unlink(missing_ok=True)


def _read(file: Path) -> Remembered:
    try:
        return Remembered.model_validate_json(file.read_bytes())
    except (OSError, ValidationError):
        raise DataError(
            f"{file}: what is remembered of a batch cannot be read; look for the batch at the endpoint, "
            f"then delete this file to ask its questions anew"
        ) from None
