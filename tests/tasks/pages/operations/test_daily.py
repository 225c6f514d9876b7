"""Counts by day: every day has its place, many days share one, and a share has its interval."""

from datetime import UTC, date, datetime, timedelta

import pytest

from tasks.pages.operations.daily import failures_by, feedback_by, keys_in, names_of, served_by, stretches
from tasks.serving.days import DayVotes, Use
from tasks.serving.keys import Key, KeyLimits

FIRST = date(2026, 3, 1)


def use(day=0, key="", answered=9, failed=1, gone=0, price=0.5, unpriced=0):
    requests = answered + failed + gone
    return Use(FIRST + timedelta(days=day), key, requests, answered, failed, 100, price, unpriced)


@pytest.fixture
def minji():
    return Key(
        id="lk-minji1", name="minji", hash="h", limits=KeyLimits(price_per_day=5), created="2026-03-01T00:00:00+00:00"
    )


def test_a_few_days_are_a_place_each_and_an_empty_one_has_its_place():
    days = stretches(FIRST, FIRST + timedelta(days=2))
    served = served_by(days, [use(0), use(2, gone=3)], {})
    assert [(each.answered, each.failed, each.gone) for each in served] == [(9, 1, 0), (0, 0, 0), (9, 1, 3)]
    assert served[0].since == datetime(2026, 3, 1, tzinfo=UTC)
    assert served[0].until == served[1].since


@pytest.mark.parametrize(("days", "places", "length"), [(1, 1, 1), (60, 60, 1), (61, 31, 2), (1000, 59, 17)])
def test_many_days_share_a_place_and_none_is_lost(days, places, length):
    found = stretches(FIRST, FIRST + timedelta(days=days - 1))
    assert len(found) == places
    assert all((each.until - each.first).days == length for each in found)
    served = served_by(found, [use(day) for day in range(days)], {})
    assert sum(each.answered for each in served) == 9 * days


def test_the_share_of_failures_has_an_interval_and_what_it_stands_on():
    days = stretches(FIRST, FIRST + timedelta(days=1))
    trend = failures_by(days, [use(0, answered=90, failed=10, gone=50), use(0, key="k", answered=100, failed=0)])
    [point] = trend.points
    assert (point.value, point.n) == (0.05, 200), "whoever left says nothing of the answers"
    assert 0.02 < point.low < 0.05 < point.high < 0.1


def test_votes_are_a_share_of_good_ones():
    days = stretches(FIRST, FIRST)
    [point] = feedback_by(days, [DayVotes(FIRST, 3, 4)]).points
    assert (point.value, point.n) == (0.75, 4)
    assert point.low < 0.4, "four votes say little"
    assert feedback_by(days, []).points == ()


def test_what_was_spent_names_who_did(minji):
    [served] = served_by(
        stretches(FIRST, FIRST), [use(), use(key="lk-minji1", price=2.0)], names_of({"lk-minji1": minji})
    )
    assert served.by_key == (("minji (lk-minji1)", 2.0), ("without a key", 0.5))
    assert served.price == 2.5


def test_the_dearest_key_comes_first_with_its_limit_and_its_last_day(minji):
    uses = [use(0, price=1), use(0, key="lk-minji1", price=3), use(1, key="lk-minji1", price=2), use(1, key="lk-lost")]
    first, second, third = keys_in(uses, {"lk-minji1": minji}, FIRST + timedelta(days=1))
    assert (first.name, first.price, first.today, first.limit, first.requests) == ("minji (lk-minji1)", 5, 2, 5, 20)
    assert (second.name, second.today, second.limit) == ("without a key", 0, None)
    assert third.name == "lk-lost", "a key that is in no file goes by its id"


def test_a_revoked_key_is_said_to_be(minji):
    revoked = minji.model_copy(update={"revoked": "2026-03-02T00:00:00+00:00"})
    assert names_of({"lk-minji1": revoked}) == {"lk-minji1": "minji (lk-minji1, revoked)"}
