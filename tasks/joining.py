"""Two runs of the same thing at once are no error: the second waits for the first and finds its work done.

Every step is idempotent, so waiting is joining: what the first run finished is in the journal and the results store
when the second looks, and it makes no call of its own.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from filelock import FileLock, Timeout

_PAUSE_S = 0.2


@asynccontextmanager
async def joined(folder: Path, name: str) -> AsyncIterator[bool]:
    """Holds the lock `name` while the block runs; yields True where another run held it first.

    The lock ends with the process that holds it, so a killed run never blocks the next.

    Args:
        folder: where lock files live; shared by every process that may do the same work.
        name: what is being done, as a file name.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / f"{name}.lock", thread_local=False)
    waited = False
    while True:
        try:
            lock.acquire(timeout=0)
            break
        except Timeout:
            waited = True
            await asyncio.sleep(_PAUSE_S)
    try:
        yield waited
    finally:
        lock.release()
