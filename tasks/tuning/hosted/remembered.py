"""What is remembered on disk of a provider's job, so that no crash loses it or pays for it twice."""

from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from configs.errors import DataError
from configs.schema.base import Frozen
from tasks.candidate import HostedModel
from tasks.tuning.tuned import Checkpoint, Loss, Tuned
from tasks.writing import write_whole


class KeptCheckpoint(Frozen):
    """A state of a model on its way, which answers like any other."""

    step: int
    adapter: HostedModel
    held_out: float | None
    """Loss on all held-out examples, where it was measured."""


class Finished(Frozen):
    """What a job came to."""

    adapter: HostedModel
    losses: tuple[Loss, ...]
    checkpoints: tuple[KeptCheckpoint, ...]
    facts: dict[str, float]

    def tuned(self, which: Literal["last", "best"]) -> Tuned:
        """Returns the same as every fine-tune says it; the `best` checkpoint is that of the lowest held-out loss."""
        kept = tuple(Checkpoint(each.step, each.adapter, each.held_out) for each in self.checkpoints)
        measured = [(each.held_out, each.adapter) for each in kept if each.held_out is not None]
        best = min(measured, key=lambda one: one[0])[1] if which == "best" and measured else self.adapter
        return Tuned(best, self.losses, dict(self.facts), kept)


class Remembered(Frozen):
    """A job that was begun, and how far it has come."""

    mark: str
    """Names what it is made of: examples, settings and model. It stands in the job's metadata."""
    at: float
    """When it was begun, in seconds since 1970."""
    expected_price: float
    """US dollars that it was expected to cost."""
    training_file: str = ""
    """Id of its examples at the provider, "" before they are there."""
    validation_file: str = ""
    """Likewise of the held-out ones."""
    job: str = ""
    """Id of the job, "" until the provider has said it."""
    finished: Finished | None = None
    """What it came to, once it has succeeded and everything was read."""
    rubbish: tuple[str, ...] = ()
    """Ids of files at the provider that nobody needs any more."""


class JobFile:
    """Where one job is remembered: a file named by its mark. Only whoever holds its lock may use it."""

    def __init__(self, folder: Path, mark: str) -> None:
        self.path = folder / f"{mark}.json"

    def read(self) -> Remembered | None:
        """Returns what is remembered; None where nothing is.

        Raises:
            DataError: it cannot be read.
        """
        try:
            return Remembered.model_validate_json(self.path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError):
            raise DataError(
                f"{self.path}: what is remembered of a fine-tuning job cannot be read; delete the file and run again: "
                f"the job is looked for at the provider"
            ) from None

    def remember(self, remembered: Remembered) -> Remembered:
        """Writes how far a job has come, whole or not at all, and returns it.

        Raises:
            DataError: the disk is full.
        """
        write_whole(self.path, remembered.model_dump_json(indent=1).encode())
        return remembered

    def note(self, remembered: Remembered, **changes: object) -> Remembered:
        """Remembers a job with some changes."""
        return self.remember(remembered.model_copy(update=changes))

    def forget(self) -> None:
        """Removes it: nothing of it is left that could be followed."""
        self.path.unlink(missing_ok=True)
