"""A metric over many windows as a few points: each window its own while they are few, pooled where they are many."""

from collections.abc import Iterator, Sequence
from math import hypot, inf, isfinite

from tasks.pages.operations.operations import Point
from tasks.watching.windows import SeenWindow

MOST = 60
"""Points of a trend at most, but for a further one where the champion changed within a stretch."""


def points_of(metric: str, windows: Sequence[SeenWindow], most: int = MOST) -> tuple[Point, ...]:
    """Returns the trend of a metric.

    Args:
        metric: its name.
        windows: the oldest first.
        most: points from which windows are pooled, in stretches of equal length and apart by candidate.
    """
    each = [point for window in windows if (point := _point(metric, window)) is not None]
    if len(each) <= most:
        return tuple(each)
    return tuple(pooled(group) for group in _stretches(each, most))


def pooled(points: Sequence[Point]) -> Point:
    """Returns one point for several of one candidate, the oldest first.

    Windows may overlap, and what is in two of them must not count twice: going back from the last one, only those that
    end before the earlier ones begin are taken. Their mean is weighted by their requests; its interval is that of a
    weighted sum of independent estimates, each with limits of its own (Zou and Donner 2008, Statistics in Medicine 27).
    """
    taken = [points[-1]]
    for point in reversed(points[:-1]):
        if point.until <= taken[-1].since:
            taken.append(point)
    n = sum(point.n for point in taken)
    shares = [point.n / n for point in taken]
    value = sum(share * point.value for share, point in zip(shares, taken, strict=True))
    below = hypot(*(share * (point.value - point.low) for share, point in zip(shares, taken, strict=True)))
    above = hypot(*(share * (point.high - point.value) for share, point in zip(shares, taken, strict=True)))
    return Point(
        since=points[0].since,
        until=points[-1].until,
        candidate=points[-1].candidate,
        value=value,
        low=value - below,
        high=value + above,
        n=n,
        windows=sum(point.windows for point in points),
        least=min(point.least for point in points),
        most=max(point.most for point in points),
    )


def _point(metric: str, window: SeenWindow) -> Point | None:
    found = window.estimate(metric)
    if found is None or found.value is None or not isfinite(found.value) or found.n == 0:
        return None
    return Point(
        since=window.since,
        until=window.until,
        candidate=window.candidate,
        value=found.value,
        low=-inf if found.low is None else found.low,
        high=inf if found.high is None else found.high,
        n=found.n,
        windows=1,
        least=found.value,
        most=found.value,
    )


def _stretches(points: Sequence[Point], most: int) -> Iterator[list[Point]]:
    """Yields the points of each stretch of time, those of one candidate together."""
    first, last = points[0].until, points[-1].until
    length = (last - first) / most
    together: dict[tuple[int, str], list[Point]] = {}
    for point in points:
        at = min(most - 1, int((point.until - first) / length)) if length else 0
        together.setdefault((at, point.candidate), []).append(point)
    yield from together.values()
