"""What is being asked at this moment: whoever wants the same waits, and then finds it in the journal."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager


class InFlight:
    """Keys of calls that one process is making."""

    def __init__(self) -> None:
        self._ended: dict[str, asyncio.Event] = {}

    @asynccontextmanager
    async def alone(self, keys: Collection[str]) -> AsyncIterator[None]:
        """Waits until nobody else asks for any of these keys, and keeps them from others while the block runs."""
        while others := [self._ended[key] for key in keys if key in self._ended]:
            await others[0].wait()
        ended = asyncio.Event()
        self._ended.update(dict.fromkeys(keys, ended))
        try:
            yield
        finally:
            for key in set(keys):
                del self._ended[key]
            ended.set()
