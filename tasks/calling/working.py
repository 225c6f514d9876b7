"""Workers pull rows: as many as the endpoint's limiter can keep busy, more or fewer as that changes."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

from tasks.calling.limits.limiter import Limiter

T = TypeVar("T")


async def pull(rows: Iterator[T], work: Callable[[T], Awaitable[None]], limiter: Limiter) -> None:
    """Awaits `work` for every row; the first failure ends all of them, and is raised alone.

    Args:
        rows: what to do; each is taken when a worker is free for it, so that it may be read as it goes.
        work: does one.
        limiter: says how many workers are of use.
    """
    at_work = 0
    finished = False
    ended = asyncio.Event()

    async def worker(row: T) -> None:
        nonlocal at_work, finished
        try:
            while True:
                await work(row)
                if at_work > max(1, limiter.workers):
                    return
                try:
                    row = next(rows)
                except StopIteration:
                    finished = True
                    return
        except BaseException:
            finished = True
            raise
        finally:
            at_work -= 1
            if not at_work:
                ended.set()

    def hire(group: asyncio.TaskGroup) -> None:
        nonlocal at_work, finished
        while not finished and at_work < limiter.workers:
            try:
                row = next(rows)
            except StopIteration:
                finished = True
                return
            except Exception as error:
                finished = True
                group.create_task(_failed(error))
                return
            at_work += 1
            group.create_task(worker(row))

    try:
        async with asyncio.TaskGroup() as group:
            hire(group)
            unwatch = limiter.watch(lambda: hire(group))
            try:
                if at_work:
                    await ended.wait()
            finally:
                unwatch()
    except BaseExceptionGroup as failures:
        raise _first(failures) from None


async def _failed(error: Exception) -> None:
    raise error


def _first(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    first = failures.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
