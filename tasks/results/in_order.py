"""Answers come in any order; a file of rows is written in the dataset's, a part at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from tasks.calling.answer import Answer, Outcome
from tasks.data.row import Row

T = TypeVar("T")

PART = 128
"""Rows that are handed on at once."""
_RATED_AT_ONCE = 2
"""Parts: while the last answers of one are judged, the endpoint has room for the next."""
_MOST = 20_000
"""Answers that may wait for the one before them."""


class InOrder(Generic[T]):
    """Takes answers in any order and hands them on in the dataset's, a part at a time.

    Args:
        rate: rates the answers of a part; some parts are rated at once.
        write: writes them with what rating came to, one part after the other.
        part: rows that are handed on at once.

    Attributes:
        failed: how each row ended that was not answered, by its id.
        cause: why the first row failed that is not to blame for it, "" where none did.
    """

    def __init__(
        self,
        rate: Callable[[Sequence[Row], Sequence[Answer]], Awaitable[T]],
        write: Callable[[Sequence[Row], Sequence[Answer], T], Awaitable[None]],
        part: int = PART,
    ) -> None:
        self._rate, self._write, self._size = rate, write, part
        self._waiting: dict[int, tuple[Row, Answer]] = {}
        self._part: list[tuple[Row, Answer]] = []
        self._next = 0
        self._rating = asyncio.Semaphore(_RATED_AT_ONCE)
        self._written = asyncio.Event()
        self._written.set()
        self._moved = asyncio.Event()
        self.failed: dict[str, Outcome] = {}
        self.cause = ""

    async def take(self, position: int, row: Row, answer: Answer) -> None:
        """Takes one; waits while a part is written, and where very many wait for one that is slow."""
        while position > self._next and len(self._waiting) >= _MOST:
            self._moved.clear()
            await self._moved.wait()
        self._waiting[position] = (row, answer)
        while self._next in self._waiting:
            self._part.append(self._waiting.pop(self._next))
            self._next += 1
            self._moved.set()
            if len(self._part) >= self._size:
                await self.flush()

    async def flush(self) -> None:
        """Writes what is in order."""
        part, self._part = self._part, []
        for row, answer in part:
            if answer.outcome is not Outcome.OK:
                self.failed[row.id] = answer.outcome
            if answer.nobodys:
                self.cause = self.cause or answer.cause
        if not part:
            return
        rows, answers = zip(*part, strict=True)
        before, self._written = self._written, asyncio.Event()
        written = self._written
        try:
            async with self._rating:
                rated = await self._rate(rows, answers)
            await before.wait()
            await self._write(rows, answers, rated)
        finally:
            written.set()
