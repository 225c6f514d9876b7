"""Checks what is served against a limit."""

import math

from configs.schema.app import Limit
from configs.schema.base import Frozen
from tasks.gating.reasons import interval, numbers
from tasks.scoring.score import Metric
from tasks.statistics.estimate import Estimate


class LimitVerdict(Frozen):
    """Whether a limit is broken, and why; None where there was nothing to judge it by."""

    metric: str
    broken: bool | None
    reason: str


def check_limit(limit: Limit, current: Estimate, release: Estimate | None, metric: Metric) -> LimitVerdict:
    """Checks one limit: it is broken only where it certainly is, that is with the whole interval on the wrong side.

    Args:
        limit: the limit.
        current: estimate over the window's requests.
        release: estimate of the same metric at the release; only `drop_at_most` needs it.
        metric: what the number means.
    """
    broken, reason = _checked(limit, current, release, metric)
    return LimitVerdict(metric=limit.metric, broken=broken, reason=f"{limit.metric} {reason}")


def _checked(limit: Limit, current: Estimate, release: Estimate | None, metric: Metric) -> tuple[bool | None, str]:
    if current.n == 0:
        return None, "could be scored on no request"
    low, high = interval(current)
    if limit.at_least is not None:
        return _said(high < limit.at_least, f"{numbers(current)}, at least {limit.at_least:g}")
    if limit.at_most is not None:
        return _said(low > limit.at_most, f"{numbers(current)}, at most {limit.at_most:g}")
    if release is None or release.n == 0:
        return None, f"{numbers(current)}: the release has no estimate to compare with"
    worst = float(limit.drop_at_most or 0.0)
    least, most = _drop(current, release, metric)
    shown = f"{numbers(current)}, at the release {numbers(release)}: worse by {least:.3g} to {most:.3g}"
    return _said(least > worst, f"{shown}, at most {worst:g}")


def _said(broken: bool, shown: str) -> tuple[bool, str]:
    return broken, f"{shown}: {'broken' if broken else 'not certainly broken'}"


def _drop(current: Estimate, release: Estimate, metric: Metric) -> tuple[float, float]:
    """Returns the interval of how much worse it is than at the release, on other rows.

    The two intervals are put together by the square-and-add method (Newcombe 1998; Zou and Donner 2008).
    """
    better, worse = (release, current) if metric.direction == "higher" else (current, release)
    (low, high), (other_low, other_high) = interval(better), interval(worse)
    value, other = float(better.value or 0.0), float(worse.value or 0.0)
    drop = value - other
    return drop - math.hypot(value - low, other_high - other), drop + math.hypot(high - value, other - other_low)
