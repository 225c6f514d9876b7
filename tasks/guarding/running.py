"""Where a guard's work is done: at once where it is little, else in a thread, so that other requests go on."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

_AT_ONCE = 4_000
"""Characters that take a millisecond or so."""
_THREAD = ThreadPoolExecutor(1, thread_name_prefix="guards")
"""One: Python runs one at a time anyway, and answers come first."""


async def looked(characters: int, look: Callable[[], T]) -> T:
    """Returns what a look at a text gives.

    Args:
        characters: of the text.
        look: the work.
    """
    if characters <= _AT_ONCE:
        return look()
    return await asyncio.get_running_loop().run_in_executor(_THREAD, look)
