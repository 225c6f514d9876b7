"""An alert: one thing that is or was wrong, from the look that found it to the look that did not."""

from datetime import datetime

from configs.schema.base import Frozen
from tasks.alerting.found import Severity


class Alert(Frozen):
    """One thing that is or was wrong. Moments are in UTC."""

    id: str
    """Its own; what is wrong again after it was over is another alert."""
    app: str
    """Name of the app."""
    source: str
    """Who found it."""
    key: str
    """What it is about."""
    severity: Severity
    """How bad it is."""
    title: str
    """What is wrong, in a few words."""
    reason: str
    """What changed, in numbers, at the last look."""
    examples: tuple[str, ...] = ()
    """Up to three texts that show it, without personal data."""
    link: str = ""
    """Where to look."""
    candidate: str = ""
    """Digest of the candidate that it is about; "" for none."""
    event: str = ""
    """Name of a Prefect event by which work starts; "" for none."""
    began: datetime
    """The look that found it first."""
    seen: datetime
    """The last look that found it."""
    times: int = 1
    """Looks that found it."""
    recovered: datetime | None = None
    """The look that found it no more; None while it is open."""
