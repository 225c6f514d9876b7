"""Slots and workers: never more calls than allowed, never fewer workers than keep them busy."""

import asyncio

import pytest

from tasks.calling.failures import CallFailure, FailureKind
from tasks.calling.limits.control import Control
from tasks.calling.limits.limiter import Limiter
from tasks.calling.limits.sharing import Table
from tasks.calling.working import pull


async def test_no_more_calls_than_the_limit_are_in_flight_and_all_are_made():
    limiter, most, done = Limiter(Control(3, found=False)), 0, []

    async def work(number):
        nonlocal most
        async with limiter.slot():
            most = max(most, limiter.in_flight)
            await asyncio.sleep(0)
        done.append(number)

    await pull(iter(range(100)), work, limiter)
    assert most == 3
    assert sorted(done) == list(range(100))
    assert limiter.in_flight == 0


async def test_rows_are_taken_as_workers_are_free_for_them():
    limiter, taken = Limiter(Control(2, found=False)), []

    def rows():
        for number in range(1000):
            taken.append(number)
            yield number

    async def work(number):
        async with limiter.slot():
            await asyncio.sleep(0)
        assert len(taken) - number <= 2 * limiter.workers

    await pull(rows(), work, limiter)
    assert len(taken) == 1000


async def test_a_call_that_waits_for_its_next_try_holds_no_slot():
    limiter, others = Limiter(Control(1, found=False)), asyncio.Event()

    async def work(number):
        if number == 0:
            async with limiter.slot():
                pass
            waiting = asyncio.create_task(limiter.sleep(30))
            await others.wait()
            waiting.cancel()
        else:
            async with limiter.slot():
                await asyncio.sleep(0)
            if number == 20:
                others.set()

    await pull(iter(range(21)), work, limiter)
    assert limiter.asleep == 0


@pytest.mark.parametrize("where", ["work", "rows"])
async def test_the_first_failure_ends_all_and_is_raised_alone(where):
    limiter, ended = Limiter(Control(4, found=False)), []

    def rows():
        yield from range(6)
        if where == "rows":
            raise OSError("the file is gone")
        yield from range(6, 1000)

    async def work(number):
        try:
            async with limiter.slot():
                await asyncio.sleep(0.001 if number < 6 else 30)
            if number == 5 and where == "work":
                raise OSError("the file is gone")
        finally:
            ended.append(number)

    with pytest.raises(OSError, match="the file is gone"):
        await pull(rows(), work, limiter)
    assert limiter.in_flight == 0
    assert len(ended) < 30


async def test_who_gives_up_waiting_leaves_his_place():
    limiter = Limiter(Control(1, found=False))
    async with limiter.slot():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01), limiter.slot():
                pass
    async with asyncio.timeout(1), limiter.slot():
        assert limiter.in_flight == 1


async def test_a_pause_that_was_asked_for_is_kept():
    limiter = Limiter(Control(4, found=False))
    loop = asyncio.get_running_loop()
    limiter.pause(0.2)
    started = loop.time()
    async with limiter.slot():
        assert loop.time() - started >= 0.2


async def test_a_process_without_a_place_for_a_moment_may_still_be_told_no():
    limiter = Limiter(Control(4, found=False), tokens_per_minute=6000)

    async def call():
        async with limiter.slot():
            limiter._share = 0.0  # more processes than places, and it is the turn of others
            raise CallFailure(FailureKind.RATE_LIMITED, "one too many")

    with pytest.raises(CallFailure):
        await call()
    limiter.used(10)


async def test_tokens_are_paid_for_before_the_next_call():
    limiter = Limiter(Control(4, found=False), tokens_per_minute=6000)
    loop = asyncio.get_running_loop()
    started = loop.time()
    limiter.used(20)
    async with limiter.slot():
        assert loop.time() - started >= 0.2


async def test_a_rejected_call_keeps_its_slot_for_a_moment():
    limiter = Limiter(Control(1, found=False))
    with pytest.raises(CallFailure):
        async with limiter.slot():
            raise CallFailure(FailureKind.RATE_LIMITED, "one too many")
    assert limiter.in_flight == 1
    async with asyncio.timeout(2), limiter.slot():
        assert limiter.in_flight == 1


async def test_who_has_nothing_more_to_do_leaves_its_share_to_the_others_at_once(tmp_path):
    path, other = tmp_path / "limits.db", Control(8, found=False)
    limiter = Limiter(Control(8, found=False), table=Table(path), endpoint="e")

    async def work(_):
        async with limiter.slot():
            shares.append(observer.meet("e", other, 8))

    shares, observer = [], Table(path)
    await pull(iter(range(3)), work, limiter)
    assert shares[0] < 1.0
    assert observer.meet("e", other, 8) == 1.0
