"""What windows of served requests said, kept one file a window: the trend behind an app's operations page."""

import logging
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ConfigDict, ValidationError

from configs.schema.base import Frozen
from tasks.results.evaluation import Evaluation
from tasks.statistics.estimate import Estimate
from tasks.watching.compare import Comparison
from tasks.watching.window import Window
from tasks.writing import write_whole

_log = logging.getLogger(__name__)

_NAMED = "%Y%m%dT%H%M%S%f"


class SeenWindow(Frozen):
    """A window as it is kept: its estimates and what its limits said, without its rows."""

    # Without this, JSON would hold null for an end that is infinite.
    model_config = ConfigDict(ser_json_inf_nan="strings")

    candidate: str
    """Digest of the candidate that answered."""
    since: datetime
    """Its beginning, in UTC."""
    until: datetime
    """Its end."""
    requests: int
    """Requests that were answered, or failed."""
    gone: int
    """Requests left out because the client went away."""
    judged: bool
    """False where too few requests were served to say anything."""
    reason: str
    """How many requests it stands on."""
    broken: tuple[str, ...]
    """Limits that were certainly broken."""
    released: str | None
    """Id of the evaluation that the candidate was released with; None where there is none."""
    changes: tuple[str, ...] = ()
    """What has changed since the windows before, such as what users ask, in words."""
    estimates: tuple[Estimate, ...]
    """Every metric over the window's requests."""

    def estimate(self, metric: str) -> Estimate | None:
        """Returns the estimate of a metric's mean or ratio, None where it was not measured."""
        found = (e for e in self.estimates if (e.metric, e.slice, e.quantile) == (metric, None, None))
        return next((each for each in found if each.value is not None), None)


def seen(window: Window, comparison: Comparison, release: Evaluation | None, changes: Sequence[str] = ()) -> SeenWindow:
    """Returns a window as it is kept; `changes` are what has changed since the windows before, in words."""
    return SeenWindow(
        candidate=window.candidate,
        since=window.since,
        until=window.until,
        requests=window.requests,
        gone=window.gone,
        judged=comparison.judged,
        reason=comparison.reason,
        broken=tuple(finding.limit for finding in comparison.broken),
        released=release.id if release else None,
        changes=tuple(changes),
        estimates=window.estimates,
    )


def keep_window(folder: Path, window: SeenWindow) -> None:
    """Keeps a window; kept twice it is kept once.

    Args:
        folder: the app's folder in the results store.
        window: what is kept.

    Raises:
        DataError: the disk is full or refuses to be written.
    """
    name = f"{window.until.astimezone(UTC):{_NAMED}}-{window.candidate[:8]}.json"
    write_whole(folder / "windows" / name, window.model_dump_json().encode())


def kept_windows(folder: Path, since: datetime) -> list[SeenWindow]:
    """Returns the windows that ended at a moment or after it, the oldest first.

    One that cannot be read is logged and left out: the others still say what they said.

    Args:
        folder: the app's folder in the results store.
        since: the moment, in UTC.
    """
    named = f"{since.astimezone(UTC):{_NAMED}}"
    files = sorted(file for file in (folder / "windows").glob("[!.]*.json") if file.name >= named)
    return sorted(_read(files), key=lambda window: (window.until, window.candidate))


def _read(files: list[Path]) -> Iterator[SeenWindow]:
    for file in files:
        try:
            yield SeenWindow.model_validate_json(file.read_bytes())
        except (OSError, ValidationError) as error:
            _log.warning("%s: cannot be read (%s); it is left out", file, type(error).__name__)
