"""A step: one line in the Prefect UI."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def step(name: str, work: Callable[[], Awaitable[T]]) -> T:
    """Runs `work` as a Prefect task named `name`, in this process, and returns its result.

    The work is a closure: Prefect neither copies, hashes nor stores what goes in or comes out.

    Args:
        name: what a person reads in the UI; it may carry facts (`answer 40 rows · rules`).
        work: the step; it is called once.
    """
    from prefect import task
    from prefect.cache_policies import NO_CACHE

    @task(
        name=name.split(" · ", maxsplit=1)[0],
        task_run_name=name.replace("{", "(").replace("}", ")"),
        cache_policy=NO_CACHE,
    )
    async def run() -> T:
        return await work()

    return await run()
