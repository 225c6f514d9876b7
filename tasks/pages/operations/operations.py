"""What the operations page of an app holds, however it is shown."""

from datetime import datetime

from pydantic import ConfigDict

from configs.schema.base import Frozen
from tasks.alerting.found import Severity
from tasks.scoring.score import Dimension, Direction
from tasks.statistics.estimate import Estimate


class _Shown(Frozen):
    # Without this, JSON would hold null for an end that is infinite.
    model_config = ConfigDict(ser_json_inf_nan="strings")


class Point(_Shown):
    """A metric over a stretch of time: never a value without its interval and how many requests it stands on."""

    since: datetime
    until: datetime
    candidate: str
    """Digest of the candidate that answered; "" where it is of whoever did."""
    value: float
    low: float
    high: float
    n: int
    windows: int
    """Windows that it stands for; 0 where it was counted in the requests themselves."""
    least: float
    """The lowest value among them."""
    most: float
    """The highest."""


class Bound(Frozen):
    """A level that a metric is looked at beside: a limit, or its value at the release."""

    value: float
    what: str
    limit: bool
    """True for a limit of the configuration."""


class Trend(_Shown):
    """A metric over time."""

    metric: str
    """Its name; a heuristic is called so."""
    dimension: Dimension
    better: Direction
    unit: str
    ceiling: float | None
    """Highest value there can be; None where there is none."""
    points: tuple[Point, ...]
    bounds: tuple[Bound, ...]


class Mark(Frozen):
    """Something that happened to the champion, or that was found."""

    at: datetime
    kind: str
    """What was done: `promote`, `rollback`, …, `step` of a rollout, `abort` where it was begun and undone; `alert`."""
    words: str
    who: str
    why: str


class ServedDays(Frozen):
    """What was served over some days, as counts."""

    since: datetime
    until: datetime
    answered: int
    failed: int
    gone: int
    """Requests whose clients went away before the answer ended, or that a guard blocked."""
    tokens: int
    price: float
    """US dollars of the answers whose price is known."""
    unpriced: int
    """Answers whose price is not known."""
    by_key: tuple[tuple[str, float], ...]
    """Who spent it, the most first: name and US dollars."""


class KeyUse(Frozen):
    """What one key asked in all."""

    name: str
    requests: int
    failed: int
    tokens: int
    price: float
    today: float
    """US dollars of the last day."""
    unpriced: int
    limit: float | None
    """US dollars that it may spend a day; None where it is not limited."""


class OpenLimit(Frozen):
    """A limit that the last judged window of served requests breaks."""

    limit: str
    since: datetime
    """End of the window that broke it first, without one in between that did not."""
    windows: int
    """Windows in a row that broke it."""
    candidate: str


class RaisedAlert(Frozen):
    """One thing that is or was wrong, and who was told."""

    severity: Severity
    title: str
    """What is wrong, in a few words."""
    reason: str
    """What changed, in numbers, at the last look."""
    source: str
    """Who found it."""
    began: datetime
    recovered: datetime | None
    """When it was over; None while it stands."""
    told: tuple[tuple[str, str], ...]
    """By the channel's name, how far the last message about it is; what is not known is left out."""


class Latest(_Shown):
    """A line of the table of the last window: one metric, with what it was at the release."""

    metric: str
    dimension: Dimension
    better: Direction
    served: Estimate
    released: Estimate | None


class Operations(_Shown):
    """How an app has done in operation."""

    app: str
    since: datetime
    until: datetime
    headline: str
    champion: str
    """Who serves, in words."""
    chain: str
    """State of the release log, in words."""
    chain_intact: bool
    open: tuple[OpenLimit, ...]
    changes: tuple[str, ...]
    """What had changed in the last window, in words."""
    alerts: tuple[RaisedAlert, ...]
    """Those that stand, then those that were over in this time; of each the newest first."""
    alerts_problem: str
    """Why none can be read; "" where they can."""
    windows: int
    """Windows that the trends stand on."""
    trends: tuple[Trend, ...]
    served: tuple[ServedDays, ...]
    """By day, or by several days."""
    failures: Trend
    """Share of requests that were not answered."""
    feedback: Trend
    """Share of votes that are good."""
    keys: tuple[KeyUse, ...]
    marks: tuple[Mark, ...]
    latest: tuple[Latest, ...]
    """What the last window said of every metric."""
    notes: tuple[str, ...]
    """How to read the numbers."""
