"""What a window said is kept whole, also an end without a bound; one that is damaged costs no other."""

from datetime import UTC, datetime, timedelta
from math import inf

import pytest

from tasks.statistics.estimate import Estimate
from tasks.watching.compare import Comparison, Finding
from tasks.watching.window import Window
from tasks.watching.windows import keep_window, kept_windows, seen

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def estimate(value, low=0.0, high=1.0, **more):
    return Estimate(metric="f1", value=value, low=low, high=high, n=50, coverage=1, confidence=0.95, method="t", **more)


@pytest.fixture
def window():
    def make(hours=0, candidate="c" * 16, estimates=(), broken=()):
        until = NOON + timedelta(hours=hours)
        looked = Window(candidate, until - timedelta(hours=24), until, [1, 2, 3], [], estimates, 1)
        findings = tuple(Finding(limit, "f1", True, "below", None) for limit in broken)
        return seen(looked, Comparison(True, "3 requests in the window", findings), None)

    return make


def test_a_window_comes_back_as_it_was_kept(window, tmp_path):
    made = window(estimates=(estimate(0.5, -inf, inf), estimate(None, None, None)), broken=("f1 at least 0.9",))
    keep_window(tmp_path, made)
    keep_window(tmp_path, made)
    assert kept_windows(tmp_path, NOON - timedelta(days=1)) == [made]
    assert (made.requests, made.gone, made.broken, made.released) == (3, 1, ("f1 at least 0.9",), None)


def test_windows_come_in_the_order_of_their_ends_from_a_moment_on(window, tmp_path):
    for hours in (5, 1, 3):
        keep_window(tmp_path, window(hours))
    found = kept_windows(tmp_path, NOON + timedelta(hours=3))
    assert [each.until for each in found] == [NOON + timedelta(hours=hours) for hours in (3, 5)]


def test_one_that_is_damaged_is_named_and_left_out(window, tmp_path, caplog):
    keep_window(tmp_path, window(1))
    keep_window(tmp_path, window(2))
    damaged = min((tmp_path / "windows").iterdir())
    damaged.write_text("{")
    assert [each.until for each in kept_windows(tmp_path, NOON)] == [NOON + timedelta(hours=2)]
    assert str(damaged) in caplog.text


def test_the_estimate_of_a_metric_is_its_mean_where_it_was_measured(window):
    made = window(estimates=(estimate(0.9, quantile=0.5), estimate(None, None, None), estimate(0.4)))
    assert made.estimate("f1").value == 0.4
    assert made.estimate("other") is None
    assert window(estimates=(estimate(None, None, None),)).estimate("f1") is None


def test_without_a_window_there_is_none(tmp_path):
    assert kept_windows(tmp_path, NOON) == []
