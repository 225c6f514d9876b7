"""Epochs: deliberate rounds of asking.

Resuming and re-running stay inside an app's current epoch. `--fresh` opens a new current one, and so does the first
command after its answers have expired. A scheduled evaluation asks again in an epoch of its own, named by the time it
was due, and leaves the current one alone.
"""

import time
from datetime import UTC, datetime
from pathlib import Path

from tasks.progress import say
from tasks.writing import write_whole

_FIRST = "first"
_DAY_S = 86_400


def current_epoch(folder: Path, reuse_days: float | None = None) -> str:
    """Returns the app's current epoch; opens a new one where its answers have expired.

    Args:
        folder: the app's folder in the results store.
        reuse_days: days for which the answers of an epoch are reused; None for ever.
    """
    file = folder / "epoch"
    if not file.is_file():
        if reuse_days is not None:
            write_whole(file, _FIRST.encode())  # from now on it is known when it began
        return _FIRST
    epoch = file.read_text(encoding="utf-8").strip()
    if reuse_days is None or time.time() - file.stat().st_mtime <= reuse_days * _DAY_S:
        return epoch
    opened = open_epoch(folder)
    say(f"epoch {epoch} is older than {reuse_days:g} days (budget.reuse_days); everything is asked again in {opened}")
    return opened


def open_epoch(folder: Path) -> str:
    """Opens a new epoch, named by the time in UTC, makes it the app's current one and returns it."""
    name = epoch_due(datetime.now(UTC))
    write_whole(folder / "epoch", name.encode())
    return name


def epoch_due(due: datetime) -> str:
    """Returns the name of the epoch of something due at a time: a run that is tried again stays in it."""
    return due.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
