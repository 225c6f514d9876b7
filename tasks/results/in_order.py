"""Answers come in any order; a file of rows is written in the dataset's, a part at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from tasks.calling.answer import Answer, Outcome
from tasks.data.row import Row

PART = 128
"""Rows that are handed on at once."""
_MOST = 20_000
"""Answers that may wait for the one before them."""


class InOrder:
    """Takes answers in any order and hands them on in the dataset's, a part at a time.

    Args:
        write: takes a part.
        part: rows that are handed on at once.

    Attributes:
        failed: how each row ended that was not answered, by its id.
        cause: why the first row failed that the budget did not cut off, "" where none did.
    """

    def __init__(self, write: Callable[[Sequence[Row], Sequence[Answer]], Awaitable[None]], part: int = PART) -> None:
        self._write, self._size = write, part
        self._waiting: dict[int, tuple[Row, Answer]] = {}
        self._part: list[tuple[Row, Answer]] = []
        self._next = 0
        self._writing = asyncio.Lock()
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
            if answer.outcome is Outcome.APP_ERROR:
                self.cause = self.cause or answer.cause
        async with self._writing:
            if part:
                rows, answers = zip(*part, strict=True)
                await self._write(rows, answers)
