"""Answers in any order become rows in the dataset's, and never more wait than fit."""

import asyncio

from tasks.calling.answer import Answer, Outcome
from tasks.data.row import Message, Row
from tasks.results import in_order
from tasks.results.in_order import InOrder


async def test_where_many_wait_for_a_slow_one_the_others_wait_too(monkeypatch):
    monkeypatch.setattr(in_order, "_MOST", 3)
    written = []

    async def write(rows, answers):
        written.extend(row.id for row in rows)

    taken = InOrder(write)

    async def take(position):
        row = Row(f"r{position}", (Message("user", "q"),))
        await taken.take(position, row, Answer(row.id, Outcome.OK, text="a"))

    others = [asyncio.create_task(take(position)) for position in (5, 4, 3, 2, 1)]
    done, waiting = await asyncio.wait(others, timeout=0.1)
    assert (len(done), len(waiting)) == (3, 2)
    await take(0)
    await asyncio.gather(*waiting)
    await taken.flush()
    assert written == [f"r{position}" for position in range(6)]
