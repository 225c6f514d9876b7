import asyncio
import multiprocessing
import os
import signal
import time

from tasks.joining import joined


async def test_the_second_run_waits_for_the_first_and_knows_it(tmp_path):
    order = []

    async def work(name):
        async with joined(tmp_path, "same") as waited:
            order.append((name, waited))
            await asyncio.sleep(0.3)

    await asyncio.gather(work("first"), work("second"))

    assert order == [("first", False), ("second", True)]


async def test_different_work_does_not_wait(tmp_path):
    async with joined(tmp_path, "one"), joined(tmp_path, "other") as waited:
        assert not waited


def _hold(folder, ready):
    async def held():
        async with joined(folder, "same"):
            ready.set()
            time.sleep(60)

    asyncio.run(held())


async def test_a_killed_run_does_not_block_the_next(tmp_path):
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    process = context.Process(target=_hold, args=(tmp_path, ready))
    process.start()
    assert ready.wait(30)
    os.kill(process.pid, signal.SIGKILL)
    process.join()

    async with joined(tmp_path, "same"):
        pass
