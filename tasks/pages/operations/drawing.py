"""Trends and counts as the places of a drawing: everything that its SVG holds, rounded, and said in words as well."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from math import inf, isfinite
from typing import NamedTuple

from tasks.pages.numbers import dollars, number
from tasks.pages.operations.operations import Mark, Point, RaisedAlert, ServedDays, Trend

WIDTH, HEIGHT = 640, 170
_LEFT, _RIGHT, _TOP, _BOTTOM = 10, 10, 20, 8
_KEYS = 5
"""Keys that a bar's title names."""


class Dot(NamedTuple):
    """A point with its interval; an end that goes on beyond the drawing is open."""

    x: float
    y: float
    low: float
    high: float
    open_low: bool
    open_high: bool
    words: str


class Level(NamedTuple):
    """A line across the drawing."""

    y: float
    words: str
    limit: bool


class Sign(NamedTuple):
    """A line from top to bottom, where something happened."""

    x: float
    kind: str
    words: str


class Plot(NamedTuple):
    """A trend, drawn. `lines` are the points of one candidate after the other, as SVG wants them."""

    top: str
    dots: tuple[Dot, ...]
    lines: tuple[str, ...]
    levels: tuple[Level, ...]
    signs: tuple[Sign, ...]
    said: str


class Piece(NamedTuple):
    """A part of a bar."""

    y: float
    height: float
    kind: str


class Bar(NamedTuple):
    """A stretch of days as a bar."""

    x: float
    width: float
    pieces: tuple[Piece, ...]
    words: str


class Bars(NamedTuple):
    """Counts, drawn."""

    top: str
    bars: tuple[Bar, ...]
    signs: tuple[Sign, ...]
    said: str


class Span(NamedTuple):
    """The time that a drawing covers."""

    since: datetime
    until: datetime

    def place(self, at: datetime) -> float:
        """Returns where a moment stands, in the drawing's units; what lies outside stands at the end."""
        whole = (self.until - self.since).total_seconds()
        share = (at - self.since).total_seconds() / whole if whole else 1.0
        return round(_LEFT + min(1.0, max(0.0, share)) * (WIDTH - _LEFT - _RIGHT), 1)


def plot(trend: Trend, span: Span, marks: Sequence[Mark]) -> Plot:
    """Returns a trend as it is drawn: its axis begins at zero, and its end shows every value."""
    top = _top(trend)
    dots = tuple(_dot(point, top, span) for point in trend.points)
    levels = tuple(Level(_height(bound.value, top), bound.what, bound.limit) for bound in trend.bounds)
    return Plot(number(top), dots, tuple(_lines(trend.points, dots)), levels, signs(marks, span), _said(trend))


def signs(marks: Sequence[Mark], span: Span) -> tuple[Sign, ...]:
    """Returns what happened as lines."""
    return tuple(Sign(span.place(mark.at), mark.kind, told(mark)) for mark in marks)


def told(mark: Mark) -> str:
    """Returns what happened in one line."""
    return f"{mark.at:%Y-%m-%d %H:%M}: {mark.words}, by {mark.who}: {mark.why}"


def begun(alert: RaisedAlert) -> Mark:
    """Returns the beginning of an alert as something that is marked."""
    return Mark(at=alert.began, kind="alert", words=f"alert: {alert.title}", who=alert.source, why=alert.reason)


def request_bars(served: Sequence[ServedDays], span: Span, marks: Sequence[Mark]) -> Bars:
    """Returns the requests of each stretch of days, by what became of them."""
    most = max((each.answered + each.failed + each.gone for each in served), default=0)
    kinds = ("answered", "failed", "gone")
    bars = tuple(
        _bar(each, span, most, [(kind, getattr(each, kind)) for kind in kinds], _asked(each)) for each in served
    )
    total = sum(each.answered + each.failed + each.gone for each in served)
    return Bars(f"{most:,}", bars, signs(marks, span), f"{total:,} requests, {most:,} at most in one bar")


def price_bars(served: Sequence[ServedDays], span: Span, marks: Sequence[Mark]) -> Bars:
    """Returns what was spent in each stretch of days."""
    most = max((each.price for each in served), default=0.0)
    bars = tuple(_bar(each, span, most, (("price", each.price),), _spent(each)) for each in served)
    total = sum(each.price for each in served)
    return Bars(dollars(most), bars, signs(marks, span), f"{dollars(total)} spent, {dollars(most)} at most in one bar")


def stretch(since: datetime, until: datetime) -> str:
    """Returns a stretch of time in words."""
    return f"{since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M}"


def interval_of(point: Point) -> str:
    """Returns `value [low, high]` of a point."""
    return f"{number(point.value)} [{number(point.low)}, {number(point.high)}]"


def _dot(point: Point, top: float, span: Span) -> Dot:
    words = f"{stretch(point.since, point.until)}: {interval_of(point)}, n={point.n:,}"
    if point.candidate:
        words += f", candidate {point.candidate[:8]}"
    if point.windows > 1:
        words += f", {point.windows:,} windows from {number(point.least)} to {number(point.most)}"
    return Dot(
        x=span.place(point.until),
        y=_height(point.value, top),
        low=_height(point.low, top),
        high=_height(point.high, top),
        open_low=point.low == -inf,
        open_high=point.high > top,
        words=words,
    )


def _lines(points: Sequence[Point], dots: Sequence[Dot]) -> Iterator[str]:
    """Yields the points of each candidate in turn: a line through a release would say that it went on as before."""
    row: list[str] = []
    for at, (point, dot) in enumerate(zip(points, dots, strict=True)):
        if at and point.candidate != points[at - 1].candidate:
            yield " ".join(row)
            row = []
        row.append(f"{dot.x},{dot.y}")
    yield " ".join(row)


def _top(trend: Trend) -> float:
    """Returns the end of the axis: every value is below it, and the ends of intervals up to twice the highest value."""
    values = [point.value for point in trend.points] + [bound.value for bound in trend.bounds]
    highest = max(values, default=0.0)
    ends = [point.high for point in trend.points if isfinite(point.high)]
    top = max(highest, min(max(ends, default=0.0), 2 * highest if highest else inf))
    if trend.ceiling is not None:
        top = min(max(top, 0.05 * trend.ceiling), trend.ceiling)
    return top or 1.0


def _height(value: float, top: float) -> float:
    share = min(1.0, max(0.0, value / top))
    return round(HEIGHT - _BOTTOM - share * (HEIGHT - _TOP - _BOTTOM), 1)


def _bar(each: ServedDays, span: Span, most: float, parts: Sequence[tuple[str, float]], words: str) -> Bar:
    left, right = span.place(each.since), span.place(each.until)
    pieces, below = [], 0.0
    for kind, amount in parts:
        if amount > 0:
            bottom, top = _height(below, most), _height(below + amount, most)
            pieces.append(Piece(top, round(bottom - top, 1), kind))
            below += amount
    return Bar(left, round(max(2.0, right - left - 1), 1), tuple(pieces), words)


def _asked(each: ServedDays) -> str:
    gone = f", {each.gone:,} left or blocked" if each.gone else ""
    return f"{_days(each)}: {each.answered:,} answered, {each.failed:,} not{gone}, {each.tokens:,} tokens"


def _spent(each: ServedDays) -> str:
    whose = ", ".join(f"{name} {dollars(price)}" for name, price in each.by_key[:_KEYS])
    unknown = f", the price of {each.unpriced:,} answers is not known" if each.unpriced else ""
    return f"{_days(each)}: {dollars(each.price)} for {each.answered:,} answers{unknown}{': ' if whose else ''}{whose}"


def _days(each: ServedDays) -> str:
    days = (each.until - each.since).days
    return f"{each.since:%Y-%m-%d}" if days == 1 else f"{each.since:%Y-%m-%d}, {days} days"


def _said(trend: Trend) -> str:
    if not trend.points:
        return f"{trend.metric}: nothing measured"
    last = trend.points[-1]
    return f"{trend.metric}: {len(trend.points)} points, the last {interval_of(last)} n={last.n:,}"
