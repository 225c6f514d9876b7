"""What was served by day as the bars and shares of the operations page: each day its own while they are few."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from math import ceil
from typing import NamedTuple

from tasks.pages.operations.operations import KeyUse, Point, ServedDays, Trend
from tasks.pages.operations.trend import MOST
from tasks.scoring.score import Direction
from tasks.serving.days import DayVotes, Use
from tasks.serving.keys import Key
from tasks.statistics.intervals import wilson

_QUANTILE = 1.959964
"""Of the normal distribution, for intervals of 95 %."""
WITHOUT_KEY = "without a key"


class Stretch(NamedTuple):
    """Some days: from the first on and before `until`."""

    first: date
    until: date


def stretches(first: date, last: date, most: int = MOST) -> list[Stretch]:
    """Returns the days from `first` to `last` in at most so many stretches of equal length."""
    length = timedelta(days=max(1, ceil(((last - first).days + 1) / most)))
    found = [Stretch(first, first + length)]
    while found[-1].until <= last:
        found.append(Stretch(found[-1].until, found[-1].until + length))
    return found


def served_by(days: Sequence[Stretch], uses: Sequence[Use], names: Mapping[str, str]) -> tuple[ServedDays, ...]:
    """Returns what was served in each stretch; in one without a request, nothing."""
    return tuple(_served(stretch, [use for use in uses if _is_in(stretch, use.day)], names) for stretch in days)


def failures_by(days: Sequence[Stretch], uses: Sequence[Use]) -> Trend:
    """Returns the share of requests that the application could not answer; those of clients that left do not count."""
    counted = [
        (sum(use.failed for use in among), sum(use.answered + use.failed for use in among))
        for among in ([use for use in uses if _is_in(stretch, use.day)] for stretch in days)
    ]
    return _share("requests not answered", "lower", days, counted)


def feedback_by(days: Sequence[Stretch], votes: Sequence[DayVotes]) -> Trend:
    """Returns the share of votes that are good, by the day of the answer."""
    counted = [
        (sum(each.good for each in among), sum(each.votes for each in among))
        for among in ([each for each in votes if _is_in(stretch, each.day)] for stretch in days)
    ]
    return _share("votes that are good", "higher", days, counted)


def keys_in(uses: Iterable[Use], keys: Mapping[str, Key], today: date) -> tuple[KeyUse, ...]:
    """Returns what each key asked in all, the dearest first."""
    by_key: dict[str, list[Use]] = {}
    for use in uses:
        by_key.setdefault(use.key, []).append(use)
    names = names_of(keys)
    found = [
        KeyUse(
            name=names.get(key, key or WITHOUT_KEY),
            requests=sum(use.requests for use in its),
            failed=sum(use.failed for use in its),
            tokens=sum(use.tokens for use in its),
            price=sum(use.price for use in its),
            today=sum(use.price for use in its if use.day == today),
            unpriced=sum(use.unpriced for use in its),
            limit=keys[key].limits.price_per_day if key in keys else None,
        )
        for key, its in by_key.items()
    ]
    return tuple(sorted(found, key=lambda use: (-use.price, -use.requests, use.name)))


def names_of(keys: Mapping[str, Key]) -> dict[str, str]:
    """Returns what people call each key, by its id; its id is said too, for a name may have had several keys."""
    return {key.id: f"{key.name} ({key.id}{', revoked' if key.revoked else ''})" for key in keys.values()}


def _served(stretch: Stretch, among: Sequence[Use], names: Mapping[str, str]) -> ServedDays:
    spent: dict[str, float] = {}
    for use in among:
        name = names.get(use.key, use.key or WITHOUT_KEY)
        spent[name] = spent.get(name, 0.0) + use.price
    answered, failed = sum(use.answered for use in among), sum(use.failed for use in among)
    return ServedDays(
        since=_midnight(stretch.first),
        until=_midnight(stretch.until),
        answered=answered,
        failed=failed,
        gone=sum(use.requests for use in among) - answered - failed,
        tokens=sum(use.tokens for use in among),
        price=sum(use.price for use in among),
        unpriced=sum(use.unpriced for use in among),
        by_key=tuple(sorted(((name, price) for name, price in spent.items() if price > 0), key=lambda each: -each[1])),
    )


def _share(name: str, better: Direction, days: Sequence[Stretch], counted: Sequence[tuple[int, int]]) -> Trend:
    points = tuple(_points(days, counted))
    return Trend(metric=name, dimension="quality", better=better, unit="", ceiling=1.0, points=points, bounds=())


def _points(days: Sequence[Stretch], counted: Sequence[tuple[int, int]]) -> Iterator[Point]:
    for stretch, (hits, n) in zip(days, counted, strict=True):
        if n == 0:
            continue
        low, high = wilson(hits / n, n, _QUANTILE)
        yield Point(
            since=_midnight(stretch.first),
            until=_midnight(stretch.until),
            candidate="",
            value=hits / n,
            low=low,
            high=high,
            n=n,
            windows=0,
            least=hits / n,
            most=hits / n,
        )


def _is_in(stretch: Stretch, day: date) -> bool:
    return stretch.first <= day < stretch.until


def _midnight(day: date) -> datetime:
    return datetime.combine(day, datetime.min.time(), UTC)
