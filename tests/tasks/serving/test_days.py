"""What was served is counted by day and key, and votes by the day of their answers."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from tasks.calling.answer import Answer, Outcome, Usage
from tasks.data.row import Message
from tasks.rollout.placing import Placed
from tasks.serving.days import DayVotes, Use
from tasks.serving.record import RecordStore
from tasks.serving.served import Served
from tasks.serving.votes import Vote

NIGHT = datetime(2026, 3, 1, 23, 59, tzinfo=UTC)


def served(number, minutes=0, key="", outcome=Outcome.OK, price=0.25):
    answer = Answer(f"r{number}", outcome, "yes", usage=Usage(9, 3), price=price, attempts=1)
    at = NIGHT + timedelta(minutes=minutes)
    return Served(f"r{number}", at, "c1", 1, "", (Message("user", "?"),), {}, answer, key=key)


@pytest.fixture
def store(tmp_path):
    with RecordStore(tmp_path / "served.db") as opened:
        yield opened


def test_each_day_and_key_is_counted_apart(store):
    store.add_all(
        [
            served(1),
            served(2, outcome=Outcome.APP_ERROR, price=None),
            served(3, outcome=Outcome.SKIPPED, price=None),
            served(4, key="lk-minji"),
            served(5, minutes=1, price=None),
        ]
    )
    first, second = date(2026, 3, 1), date(2026, 3, 2)
    assert store.days.uses(NIGHT, NIGHT + timedelta(minutes=2)) == [
        Use(first, "", requests=3, answered=1, failed=1, tokens=36, price=0.25, unpriced=0),
        Use(first, "lk-minji", requests=1, answered=1, failed=0, tokens=12, price=0.25, unpriced=0),
        Use(second, "", requests=1, answered=1, failed=0, tokens=12, price=0.0, unpriced=1),
    ]
    assert store.days.uses(NIGHT, NIGHT + timedelta(minutes=1))[-1].key == "lk-minji"


def test_a_copy_is_no_request_of_a_user_and_costs_what_it_costs(store):
    copy = Placed("release", "shadow", 0.0, "")
    copies = [replace(served(2), placed=copy), replace(served(3, outcome=Outcome.APP_ERROR), placed=copy)]
    store.add_all([served(1), *copies])
    [use] = store.days.uses(NIGHT, NIGHT + timedelta(minutes=1))
    assert (use.requests, use.answered, use.failed) == (1, 1, 0)
    assert (use.price, use.tokens) == (0.75, 36)


def test_votes_belong_to_the_day_of_their_answer(store):
    store.add_all([served(1), served(2), served(3, minutes=1)])
    for number, good in ((1, True), (2, False), (3, True)):
        store.votes.add(Vote(f"r{number}", good, "", NIGHT + timedelta(days=3)))
    found = store.days.votes(NIGHT, NIGHT + timedelta(hours=1))
    assert found == [DayVotes(date(2026, 3, 1), 1, 2), DayVotes(date(2026, 3, 2), 1, 1)]


def test_nothing_served_is_nothing(store):
    assert store.days.uses(NIGHT, NIGHT + timedelta(days=9)) == []
    assert store.days.votes(NIGHT, NIGHT + timedelta(days=9)) == []
