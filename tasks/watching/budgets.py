"""Error budgets: how much of what may fail has failed, and how fast it goes on.

Burn rates over a long and a short stretch are those of Google's *The Site Reliability Workbook* (2018, chapter 5): the
long one says that it matters, the short one that it has not stopped.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from scipy.special import ndtri

from configs.errors import ConfigurationError
from configs.schema.app import App, ErrorBudget
from tasks.scoring.score import Metric
from tasks.serving.reading import Counted, ServedReader
from tasks.statistics.intervals import wilson
from tasks.watching.kept import WatchStore
from tasks.watching.scored import Scoring
from tasks.watching.signals import Severity, Signal, Unmeasured

_SHORT = 12
"""The short stretch is a twelfth of the long one."""
_QUANTILE = float(ndtri(0.975))


class Pace(NamedTuple):
    """A stretch of time, and the share of the whole budget that may not be spent in it."""

    hours: float
    share: float
    severity: Severity


_PACES = (Pace(1, 0.02, "critical"), Pace(6, 0.05, "critical"), Pace(72, 0.1, "warning"))


class Burn(NamedTuple):
    """How fast a budget is spent.

    Attributes:
        pace: over which stretch, and what would be too fast.
        at_most: rate from which on it is too fast: 1 spends exactly the budget in its time.
        rate: over the long stretch; None where nothing was measured.
        low: the lower end of that rate's 95 % interval.
        short: rate over the short stretch; None where nothing was measured.
    """

    pace: Pace
    at_most: float
    rate: float | None
    low: float
    short: float | None

    @property
    def too_fast(self) -> bool:
        """Whether the long stretch is certainly too fast, and the short one still is."""
        return self.low > self.at_most and self.short is not None and self.short > self.at_most

    @property
    def undecided(self) -> bool:
        """Whether it cannot be said: nothing came in the long stretch, or nothing in the short one of one too fast."""
        return self.rate is None or (self.low > self.at_most and self.short is None)


class Spent(NamedTuple):
    """A budget and what was spent of it.

    Attributes:
        budget: as configured.
        n: requests that the metric was measured of in the budget's time.
        bad: what they add up to: requests that failed.
        share: of the budget that is spent; above 1 there is none left. None where nothing was measured.
        burns: over each stretch that is shorter than the budget's time.
    """

    budget: ErrorBudget
    n: int
    bad: float
    share: float | None
    burns: tuple[Burn, ...]

    @property
    def signals(self) -> tuple[Signal, ...]:
        """What people should know of it: that it is spent, and the sharpest of the burn rates."""
        found = []
        metric = self.budget.metric
        if self.share is not None and self.share > 1:
            words = f"{metric}: the error budget of {self.budget.over_days} days is spent ({self.share:.0%} of it): "
            words += f"{self.bad:g} of {self.n} requests, {self.budget.at_most:.2%} are allowed"
            found.append(Signal(self._key("budget"), "budget", words, "critical"))
        if burn := self._too_fast:
            words = (
                f"{metric}: the error budget of {self.budget.over_days} days burns {burn.rate:.1f} times as fast as it "
                f"may, over {burn.pace.hours:g} h"
            )
            found.append(Signal(self._key("burn"), "budget", words, burn.pace.severity))
        return tuple(found)

    @property
    def unmeasured(self) -> tuple[Unmeasured, ...]:
        """Those of its signals of which nothing can be said, for lack of requests."""
        found = []
        if self.share is None:
            found.append(Unmeasured(self._key("budget"), "budget"))
        if self._too_fast is None and any(each.undecided for each in self.burns):
            found.append(Unmeasured(self._key("burn"), "budget"))
        return tuple(found)

    @property
    def _too_fast(self) -> Burn | None:
        return next((each for each in self.burns if each.too_fast), None)

    def _key(self, what: str) -> str:
        """Returns what names a signal of it: a metric may have a budget for a week and one for a month."""
        return f"{what}/{self.budget.metric}/{self.budget.over_days} d"


def check_budgets(app: App, metrics: Mapping[str, Metric]) -> None:
    """Refuses a budget of a metric that does not count something bad in each request.

    Raises:
        ConfigurationError: names the metric and those that do.
    """
    for budget in app.monitor.budgets:
        known = [
            name for name, each in metrics.items() if each.of_rows and each.direction == "lower" and each.high == 1
        ]
        if budget.metric not in known:
            raise ConfigurationError(
                f"app {app.name}: key `monitor.budgets`: found {budget.metric!r}; allowed is a metric from 0 to 1 of "
                f"which less is better: {', '.join(known)}"
            )


def spent(budget: ErrorBudget, scoring: Scoring, reader: ServedReader, now: datetime) -> Spent:
    """Returns what was spent of a budget.

    `error_rate` and `vote_down_rate` count what users asked, whoever answered; any other metric the requests that were
    scored, which are those that the champion of the time answered itself.

    Args:
        budget: the budget.
        scoring: knows what the metric's scores are kept by.
        reader: of the app's served requests.
        now: end of the budget's time.
    """

    def counted(hours: float) -> Counted:
        return _counted(budget.metric, scoring, reader, now - timedelta(hours=hours), now)

    whole = counted(24.0 * budget.over_days)
    burns = []
    for pace in _PACES:
        if pace.hours < 24 * budget.over_days:
            long, short = counted(pace.hours), counted(pace.hours / _SHORT)
            low = wilson(long.bad / long.n, long.n, _QUANTILE)[0] if long.n else 0.0
            at_most = max(1.0, pace.share * 24 * budget.over_days / pace.hours)
            burns.append(Burn(pace, at_most, _rate(long, budget), low / budget.at_most, _rate(short, budget)))
    return Spent(budget, whole.n, whole.bad, _rate(whole, budget), tuple(burns))


def _rate(counted: Counted, budget: ErrorBudget) -> float | None:
    return counted.bad / counted.n / budget.at_most if counted.n else None


def _counted(metric: str, scoring: Scoring, reader: ServedReader, since: datetime, until: datetime) -> Counted:
    if metric == "error_rate":
        return reader.errors(since, until)
    if metric == "vote_down_rate":
        return reader.voted_down(since, until)
    kept: WatchStore = scoring.kept
    key = scoring.key(metric)
    return kept.counted(key, since, until) if key else Counted(0, 0.0)
