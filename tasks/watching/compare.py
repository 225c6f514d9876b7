"""Compares a window of served requests with the app's limits and with the evaluation of the release."""

from collections.abc import Collection, Mapping
from math import hypot
from typing import NamedTuple

from configs.errors import ConfigurationError
from configs.schema.app import App, Limit
from tasks.results.evaluation import Evaluation
from tasks.scoring.score import Direction, Metric
from tasks.statistics.estimate import Estimate
from tasks.watching.window import RATES, Window


class Finding(NamedTuple):
    """One limit and what the window says of it.

    Attributes:
        limit: the limit in words.
        broken: True where it is certainly broken: the whole interval lies beyond it.
        reason: why, in words.
        served: the window's estimate, None where nothing could be measured.
        released: the same metric at the release, None where the limit does not ask for it or it was not measured.
        measured: False where nothing can be said, for lack of one of the two.
    """

    limit: str
    metric: str
    broken: bool
    reason: str
    served: Estimate | None
    released: Estimate | None = None
    measured: bool = True


class Comparison(NamedTuple):
    """What a window says of all limits.

    Attributes:
        judged: False where too few requests were served; then nothing is broken.
        reason: how many requests it stands on.
        findings: one a limit, in the configuration's order.
    """

    judged: bool
    reason: str
    findings: tuple[Finding, ...] = ()

    @property
    def broken(self) -> tuple[Finding, ...]:
        """The limits that are certainly broken."""
        return tuple(finding for finding in self.findings if finding.broken)


def check_limits(app: App, metrics: Mapping[str, Metric]) -> None:
    """Refuses a limit on a metric that served requests do not have.

    Args:
        app: its `monitor` says the limits.
        metrics: those of the app, by name.

    Raises:
        ConfigurationError: names the metric and those there are.
    """
    known: Collection[str] = {**metrics, **RATES}.keys()
    for limit in app.monitor.limits:
        if limit.metric not in known:
            raise ConfigurationError(
                f"app {app.name}: key `monitor.limits`: unknown metric {limit.metric!r}; known are {', '.join(known)}"
            )


def compare(app: App, metrics: Mapping[str, Metric], window: Window, release: Evaluation | None) -> Comparison:
    """Compares.

    Args:
        app: its `monitor` says the limits and how many requests a judgement takes.
        metrics: those of the app, by name.
        window: what was served.
        release: the evaluation that the champion was released with; limits on a drop are not judged without it.
    """
    check_limits(app, metrics)
    needed = app.monitor.min_requests
    if window.requests < needed:
        return Comparison(False, f"{window.requests} requests in the window; {needed} are needed to judge it")
    known = {**metrics, **RATES}
    findings = tuple(_judge(limit, known[limit.metric], window, release) for limit in app.monitor.limits)
    return Comparison(True, f"{window.requests} requests in the window", findings)


def worsening(released: Estimate, served: Estimate, direction: Direction) -> tuple[float, float] | None:
    """Returns by how much a metric is worse served than released, and the lower end of that difference's interval.

    The two intervals are of different requests; they are combined as Zou and Donner (2008, Statistics in Medicine 27)
    combine the limits of two independent estimates. None where either was not measured.
    """
    ends = (released.value, released.low, released.high, served.value, served.low, served.high)
    if any(end is None for end in ends):
        return None
    was, was_low, was_high, now, now_low, now_high = (float(end) for end in ends if end is not None)
    if direction == "higher":
        return was - now, was - now - hypot(was - was_low, now_high - now)
    return now - was, now - was - hypot(was_high - was, now - now_low)


def _judge(limit: Limit, metric: Metric, window: Window, release: Evaluation | None) -> Finding:
    served = window.estimate(limit.metric)
    words = _words(limit)
    if served is None or served.value is None or served.low is None or served.high is None:
        return Finding(words, limit.metric, False, "nothing could be measured", served, measured=False)
    if limit.at_least is not None:
        return Finding(words, limit.metric, served.high < limit.at_least, str(served), served)
    if limit.at_most is not None:
        return Finding(words, limit.metric, served.low > limit.at_most, str(served), served)
    released = release.estimate(limit.metric) if release else None
    worse = worsening(released, served, metric.direction) if released else None
    if worse is None or limit.drop_at_most is None:
        return Finding(words, limit.metric, False, f"{served}; not measured at the release", served, released, False)
    reason = f"{worse[0]:+.3f} worse than at the release (certainly {worse[1]:+.3f}): {served}, was {released}"
    return Finding(words, limit.metric, worse[1] > limit.drop_at_most, reason, served, released)


def _words(limit: Limit) -> str:
    for bound, words in (("at_least", "at least"), ("at_most", "at most"), ("drop_at_most", "drops at most")):
        value = getattr(limit, bound)
        if value is not None:
            return f"{limit.metric} {words} {value:g}"
    return limit.metric
