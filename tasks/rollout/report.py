"""What the judge of a rollout last saw: a file that people read, and a sign of life for the endpoint."""

import math
import time
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from configs.schema.base import Frozen
from configs.settings import settings
from tasks.rollout.deciding import Decision, Found
from tasks.rollout.stages import Rollout
from tasks.writing import write_whole

ALIVE_FOR_S = 60.0
"""A judge that has given no sign for so long judges nothing: then nobody is answered by a candidate on trial."""
_SIGN_EVERY_S = 5.0


class Report(Frozen):
    """What the judge last saw."""

    at: str
    """Time in UTC, ISO 8601."""
    release: str
    stage: str
    what: str
    why: str
    rows: tuple[Found, ...]


def report_file(app: str) -> Path:
    """Returns where an app's report lies."""
    return settings().folder("releases") / f"{app}.rollout.json"


def write_report(app: str, rollout: Rollout, decision: Decision, found: tuple[Found, ...]) -> None:
    """Writes what was seen.

    Raises:
        DataError: the disk is full.
    """
    report = Report(
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        release=rollout.release,
        stage=rollout.stage,
        what=decision.what,
        why=decision.why,
        rows=found,
    )
    write_whole(report_file(app), report.model_dump_json(indent=1).encode())


def read_report(app: str, release: str) -> Report | None:
    """Returns what was last seen of a release; None where nothing was."""
    try:
        report = Report.model_validate_json(report_file(app).read_bytes())
    except (OSError, ValidationError):
        return None
    return report if report.release == release else None


def show_life(app: str) -> None:
    """Notes that the judge is alive, and that what it has to write can be written.

    Raises:
        DataError: the disk is full.
    """
    if not 0 <= _age_s(app) < _SIGN_EVERY_S:
        write_whole(_sign(app), datetime.now(UTC).isoformat(timespec="seconds").encode())


def is_alive(app: str) -> bool:
    """Returns whether the judge has given a sign of late. A clock that was put back is none."""
    return -ALIVE_FOR_S < _age_s(app) < ALIVE_FOR_S


def _age_s(app: str) -> float:
    try:
        return time.time() - _sign(app).stat().st_mtime
    except OSError:
        return math.inf


def _sign(app: str) -> Path:
    return settings().folder("releases") / f"{app}.judged"
