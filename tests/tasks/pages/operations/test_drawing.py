"""A drawing holds every point within its frame, breaks at a release, and says in words what it shows."""

from datetime import UTC, datetime, timedelta
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.pages.operations.drawing import HEIGHT, WIDTH, Span, plot, price_bars, request_bars
from tasks.pages.operations.operations import Bound, Mark, Point, ServedDays, Trend

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SPAN = Span(NOON, NOON + timedelta(days=10))


def point(value=0.5, low=0.4, high=0.6, days=1.0, candidate="c" * 16, windows=1):
    until = NOON + timedelta(days=days)
    return Point(
        since=until - timedelta(days=1), until=until, candidate=candidate, value=value, low=low, high=high, n=1234,
        windows=windows, least=value, most=value,
    )  # fmt: skip


def trend(*points, ceiling=1.0, bounds=()):
    return Trend(
        metric="f1", dimension="quality", better="higher", unit="", ceiling=ceiling, points=points, bounds=bounds
    )


def served(**counts):
    numbers = {"answered": 0, "failed": 0, "gone": 0, "tokens": 0, "price": 0.0, "unpriced": 0, "by_key": ()} | counts
    return ServedDays(since=NOON, until=NOON + timedelta(days=1), **numbers)


def test_a_point_stands_where_its_time_ends_and_says_all_of_itself():
    [dot] = plot(trend(point(days=5)), SPAN, ()).dots
    assert dot.x == WIDTH / 2
    assert dot.words == ("2026-03-05 12:00 to 2026-03-06 12:00: 0.5 [0.4, 0.6], n=1,234, candidate cccccccc")
    assert dot.low > dot.y > dot.high, "a higher value stands higher"
    assert not dot.open_low and not dot.open_high


def test_a_pooled_point_says_how_far_its_windows_went():
    wide = point(windows=17).model_copy(update={"least": 0.1, "most": 0.9})
    assert plot(trend(wide), SPAN, ()).dots[0].words.endswith("17 windows from 0.1 to 0.9")


def test_the_line_breaks_where_the_champion_changed():
    drawn = plot(trend(point(days=1), point(days=2), point(days=3, candidate="d" * 16)), SPAN, ())
    assert [len(line.split()) for line in drawn.lines] == [2, 1]


@given(st.lists(st.tuples(st.floats(0, 1e6), st.floats(0, 1e6), st.floats(0, 1e6)), min_size=1, max_size=5))
def test_everything_lies_within_the_frame(drawn):
    points = [point(sorted(three)[1], min(three), max(three), days=day) for day, three in enumerate(drawn)]
    found = plot(trend(*points, ceiling=None, bounds=(Bound(value=7, what="limit", limit=True),)), SPAN, ())
    for dot in found.dots:
        assert 0 <= dot.x <= WIDTH
        assert 0 <= dot.high <= dot.y <= dot.low <= HEIGHT
    assert 0 <= found.levels[0].y <= HEIGHT


def test_an_end_that_is_not_known_or_far_away_is_open_and_hides_no_other_point():
    drawn = plot(trend(point(2.0, -inf, inf), point(3.0, 2.0, 900.0), ceiling=None), SPAN, ())
    assert (drawn.dots[0].open_low, drawn.dots[0].open_high) == (True, True)
    assert (drawn.dots[1].open_low, drawn.dots[1].open_high) == (False, True)
    assert drawn.top == "6"


def test_the_axis_of_a_share_ends_at_one_and_one_of_nothing_is_no_line():
    assert plot(trend(point(0.9, 0.7, 1.0)), SPAN, ()).top == "1"
    assert plot(trend(point(0.0, 0.0, 0.0)), SPAN, ()).top == "0.05"
    empty = plot(trend(), SPAN, ())
    assert (empty.dots, empty.said) == ((), "f1: nothing measured")


def test_what_happened_stands_at_its_time_with_who_and_why():
    mark = Mark(at=NOON + timedelta(days=5), kind="rollback", words="rollback to version 1", who="minji", why="worse")
    [sign] = plot(trend(point()), SPAN, (mark,)).signs
    assert sign == (WIDTH / 2, "rollback", "2026-03-06 12:00: rollback to version 1, by minji: worse")


def test_requests_are_stacked_by_what_became_of_them():
    drawn = request_bars([served(answered=6, failed=3, gone=1), served()], SPAN, ())
    pieces = drawn.bars[0].pieces
    assert [piece.kind for piece in pieces] == ["answered", "failed", "gone"]
    assert sum(piece.height for piece in pieces) == pytest.approx(HEIGHT - 28, abs=0.2)
    assert pieces[0].y == pytest.approx(pieces[1].y + pieces[1].height, abs=0.2)
    assert drawn.bars[1].pieces == ()
    assert drawn.said == "10 requests, 10 at most in one bar"


def test_what_was_spent_says_by_whom_and_what_is_not_known():
    drawn = price_bars([served(answered=9, price=1.5, unpriced=2, by_key=(("minji", 1.0), ("tom", 0.5)))], SPAN, ())
    assert drawn.bars[0].words == (
        "2026-03-01: $1.5 for 9 answers, the price of 2 answers is not known: minji $1, tom $0.5"
    )


def test_a_page_of_one_moment_is_drawn_too():
    [dot] = plot(trend(point(days=0)), Span(NOON, NOON), ()).dots
    assert 0 <= dot.x <= WIDTH
