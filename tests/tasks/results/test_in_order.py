"""Answers in any order become rows in the dataset's, and never more wait than fit."""

import asyncio

import pytest

from tasks.calling.answer import Answer, Outcome
from tasks.data.row import Message, Row
from tasks.results import in_order
from tasks.results.in_order import InOrder


@pytest.fixture
def written():
    """The ids of the rows that were written, part by part."""
    return []


@pytest.fixture
def ordered(written):
    """Makes what takes answers and writes their rows; rating takes as it is told, or no time."""

    async def at_once(rows, answers):
        return len(rows)

    async def write(rows, answers, rated):
        assert rated == len(rows) == len(answers)
        written.append([row.id for row in rows])

    return lambda rate=at_once, part=128: InOrder(rate, write, part)


async def take(taken, position):
    row = Row(f"r{position}", (Message("user", "q"),))
    await taken.take(position, row, Answer(row.id, Outcome.OK, text="a"))


async def test_where_many_wait_for_a_slow_one_the_others_wait_too(monkeypatch, ordered, written):
    monkeypatch.setattr(in_order, "_MOST", 3)
    taken = ordered()
    others = [asyncio.create_task(take(taken, position)) for position in (5, 4, 3, 2, 1)]
    done, waiting = await asyncio.wait(others, timeout=0.1)
    assert (len(done), len(waiting)) == (3, 2)
    await take(taken, 0)
    await asyncio.gather(*waiting)
    await taken.flush()
    assert [row_id for part in written for row_id in part] == [f"r{position}" for position in range(6)]


async def test_two_parts_are_rated_at_once_and_written_one_after_the_other(ordered, written):
    begun, may_end = [], {f"r{position}": asyncio.Event() for position in (0, 2, 4)}

    async def rate(rows, answers):
        begun.append(rows[0].id)
        await may_end[rows[0].id].wait()
        return len(rows)

    taken = ordered(rate, part=2)
    asking = [asyncio.create_task(take(taken, position)) for position in range(6)]
    await asyncio.sleep(0.01)
    assert begun == ["r0", "r2"], "no more than two"
    may_end["r2"].set()
    await asyncio.sleep(0.01)
    assert written == [], "the second waits for the first"
    assert begun == ["r0", "r2", "r4"]
    may_end["r0"].set()
    may_end["r4"].set()
    await asyncio.gather(*asking)
    assert written == [["r0", "r1"], ["r2", "r3"], ["r4", "r5"]]


async def test_a_part_that_cannot_be_rated_fails_whoever_brought_it_and_holds_up_nobody(ordered):
    async def rate(rows, answers):
        if rows[0].id == "r0":
            raise OSError("disk full")
        return len(rows)

    taken = ordered(rate, part=1)
    found = await asyncio.gather(*(take(taken, position) for position in range(3)), return_exceptions=True)
    assert [type(each) for each in found] == [OSError, type(None), type(None)]
