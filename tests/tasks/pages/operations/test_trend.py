"""Few windows are shown as they are, many are pooled; neither shows a value without what it stands on."""

from datetime import UTC, datetime, timedelta
from math import inf, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.pages.operations.operations import Point
from tasks.pages.operations.trend import MOST, points_of, pooled

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def point(value=0.5, low=0.4, high=0.6, n=100, hours=0.0, length=1.0):
    until = NOON + timedelta(hours=hours)
    since = until - timedelta(hours=length)
    return Point(
        since=since,
        until=until,
        candidate="c",
        value=value,
        low=low,
        high=high,
        n=n,
        windows=1,
        least=value,
        most=value,
    )


def test_one_window_is_one_point(window):
    [only] = points_of("f1", [window()])
    assert (only.value, only.low, only.high, only.n, only.windows) == (0.5, 0.4, 0.6, 100, 1)


def test_a_window_that_measured_nothing_is_no_point(window):
    assert points_of("f1", [window(value=None)]) == ()
    assert points_of("other", [window()]) == ()


def test_few_windows_are_shown_as_they_are(window):
    windows = [window(hours, value=hours / 100) for hours in range(MOST)]
    assert [each.value for each in points_of("f1", windows)] == [hours / 100 for hours in range(MOST)]


def test_a_thousand_windows_are_few_points_in_their_order(window):
    windows = [window(hours, value=0.4 + 0.2 * (hours % 2), n=10) for hours in range(1000)]
    points = points_of("f1", windows)
    assert 50 < len(points) <= MOST
    assert [each.until for each in points] == sorted(each.until for each in points)
    assert sum(each.windows for each in points) == 1000
    assert sum(each.n for each in points) == 10_000, "windows that do not overlap all count"
    assert all(each.least == 0.4 and each.most == pytest.approx(0.6) for each in points)
    assert all(each.high - each.low < 0.2 for each in points), "what stands on more requests is surer"


def test_what_is_in_two_windows_counts_once(window):
    windows = [window(hours, n=240, length=24) for hours in range(1000)]
    points = points_of("f1", windows)
    assert sum(each.windows for each in points) == 1000
    assert all(each.n == 240 for each in points), "a stretch of 17 hours holds one window of a day"


def test_a_release_parts_the_windows_of_its_stretch(window):
    windows = [window(hours, candidate="old" if hours < 505 else "new") for hours in range(1000)]
    points = points_of("f1", windows)
    assert [each.candidate for each in points] == sorted((each.candidate for each in points), reverse=True)
    assert len(points) == MOST + 1


def test_pooling_weighs_by_requests_and_adds_intervals_as_independent_ones():
    both = pooled([point(0.4, 0.3, 0.5, n=300), point(0.8, 0.6, 1.0, n=100, hours=1)])
    assert both.value == pytest.approx(0.5)
    assert both.value - both.low == pytest.approx(sqrt((0.75 * 0.1) ** 2 + (0.25 * 0.2) ** 2))
    assert (both.n, both.windows, both.least, both.most) == (400, 2, 0.4, 0.8)


def test_an_interval_without_an_end_stays_without_one():
    both = pooled([point(low=-inf, high=inf), point(hours=1)])
    assert (both.low, both.high) == (-inf, inf)


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.integers(1, 500)), min_size=1))
def test_a_pooled_value_lies_among_its_windows_and_within_its_interval(drawn):
    points = [
        point(sorted((a, b, c))[1], min(a, b, c), max(a, b, c), n, hours) for hours, (a, b, c, n) in enumerate(drawn)
    ]
    found = pooled(points)
    assert found.least - 1e-9 <= found.value <= found.most + 1e-9
    assert found.low <= found.value <= found.high
    assert found.n == sum(each.n for each in points)


def test_pooled_intervals_hold_as_often_as_they_say():
    chance = np.random.default_rng(7)
    held, tried = 0, 2000
    for _ in range(tried):
        points = []
        for hours, n in enumerate((40, 120, 80)):
            values = chance.normal(0.5, 0.2, n)
            reach = 1.96 * values.std(ddof=1) / sqrt(n)
            points.append(point(values.mean(), values.mean() - reach, values.mean() + reach, n, hours))
        found = pooled(points)
        held += found.low <= 0.5 <= found.high
    assert 0.93 < held / tried < 0.97
