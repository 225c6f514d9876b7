"""Kept windows of one metric, as many as a test wants."""

from datetime import UTC, datetime, timedelta

import pytest

from tasks.statistics.estimate import Estimate
from tasks.watching.windows import SeenWindow

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def window():
    """Makes a window that ended so many hours after noon."""

    def make(hours=0.0, value=0.5, reach=0.1, n=100, length=1.0, candidate="c" * 16, broken=(), judged=True):
        until = NOON + timedelta(hours=hours)
        low, high = (None, None) if value is None else (value - reach, value + reach)
        estimate = Estimate(metric="f1", value=value, low=low, high=high, n=n, coverage=1, confidence=0.95, method="t")
        return SeenWindow(
            candidate=candidate,
            since=until - timedelta(hours=length),
            until=until,
            requests=n,
            gone=0,
            judged=judged,
            reason=f"{n} requests in the window",
            broken=broken,
            released=None,
            estimates=(estimate,),
        )

    return make
