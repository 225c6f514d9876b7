"""The production rows are asked once a candidate, through the endpoint, as users' clients ask."""

from dataclasses import replace

from tasks.data.reading import read_dataset
from tasks.data.row import Message
from tasks.serving.record import record_store
from tasks.watching.play import Played, play


async def played(shop, candidate):
    with record_store("shop") as store:
        return await play(shop.loaded, read_dataset(shop.loaded, "production"), candidate, store)


async def test_every_row_is_asked_once_a_candidate(open_shop):
    first = open_shop.find(open_shop.release("first").entry.candidate)
    assert await played(open_shop, first) == Played(made=5, failed=0, reused=0)
    assert await played(open_shop, first) == Played(made=0, failed=0, reused=5)
    second = open_shop.find(open_shop.release("second").entry.candidate)
    assert await played(open_shop, second) == Played(made=5, failed=0, reused=0)
    rows = [each.row_id for each in open_shop.served if each.candidate == first.digest and each.row_id]
    assert sorted(rows) == ["p0", "p1", "p2", "p3", "p4"]


async def test_rows_that_failed_are_asked_again(open_shop):
    failing = open_shop.find(open_shop.release("first").entry.candidate)
    rows = read_dataset(open_shop.loaded, "production")
    with record_store("shop") as store:
        broken = [replace(row, messages=(Message("user", "FAIL"),)) for row in rows.rows]
        assert await play(open_shop.loaded, replace(rows, rows=tuple(broken)), failing, store) == Played(5, 5, 0)
        assert await play(open_shop.loaded, rows, failing, store) == Played(5, 0, 0)
