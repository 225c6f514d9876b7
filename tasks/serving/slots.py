"""Turns at a model that answers so many at once: whoever waits too long for one is told to come back."""

import asyncio


class NoSlotError(Exception):
    """No turn came in time."""


class Slots:
    """So many turns at once; one is held within `async with`.

    Args:
        most: turns.
        within_s: seconds that one is waited for.
    """

    def __init__(self, most: int, within_s: float) -> None:
        self._free = asyncio.Semaphore(most)
        self._within_s = within_s

    @property
    def full(self) -> bool:
        """Whether the next one would have to wait."""
        return self._free.locked()

    async def __aenter__(self) -> None:
        """Waits for a turn.

        Raises:
            NoSlotError: none came in time.
        """
        try:
            async with asyncio.timeout(self._within_s):
                await self._free.acquire()
        except TimeoutError:
            raise NoSlotError(f"no turn at the model came within {self._within_s:g} s") from None

    async def __aexit__(self, *_: object) -> None:
        self._free.release()
