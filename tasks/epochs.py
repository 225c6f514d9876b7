"""Epochs: deliberate rounds of asking.

Resuming and re-running stay inside an app's current epoch. `--fresh` opens a new current one. A scheduled evaluation
asks again in an epoch of its own, named by the time it was due, and leaves the current one alone.
"""

from datetime import UTC, datetime
from pathlib import Path

from tasks.writing import write_whole

_FIRST = "first"


def current_epoch(folder: Path) -> str:
    """Returns the app's current epoch.

    Args:
        folder: the app's folder in the results store.
    """
    file = folder / "epoch"
    return file.read_text(encoding="utf-8").strip() if file.is_file() else _FIRST


def open_epoch(folder: Path) -> str:
    """Opens a new epoch, named by the time in UTC, makes it the app's current one and returns it."""
    name = epoch_due(datetime.now(UTC))
    write_whole(folder / "epoch", name.encode())
    return name


def epoch_due(due: datetime) -> str:
    """Returns the name of the epoch of something due at a time: a run that is tried again stays in it."""
    return due.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
