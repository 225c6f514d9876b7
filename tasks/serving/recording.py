"""Writes served requests to the disk: many at once where many wait, and beside the answers, not before them."""

import asyncio
import logging
import queue
import threading
import time
from collections.abc import Sequence
from typing import NamedTuple

from tasks.serving.record import RecordStore
from tasks.serving.record_file import LockedError, RecordError, RowError
from tasks.serving.served import EmbeddedTexts, Served

_log = logging.getLogger(__name__)

_AT_ONCE = 200
_WAITED_FOR_S = 2.0
"""A file that others lock, or a disk that is slower, holds nobody up for longer who asked to wait."""
_END_WAITS_S = 40.0
"""A file that others lock is waited for 30 seconds."""
_AGAIN_AFTER_S = 0.1
_LOOK_EVERY_S = 0.005
_MOST_WAITING = 10_000
"""Requests; some kilobytes each."""


class _Waiting(NamedTuple):
    """What is to be written, and who waits for it; None where nobody does."""

    what: Served | EmbeddedTexts
    written: "asyncio.Future[bool] | None"


class Recorder:
    """Writes in a thread of its own, in order; what came while it wrote shares the next commit.

    A store that cannot be written costs no client its answer; it is logged and shown in `/health`.

    Attributes:
        problem: why the last requests could not be recorded, "" where they could.
    """

    def __init__(self, store: RecordStore) -> None:
        self.problem = ""
        self._taken = 0
        self._done = 0
        self._refused = 0
        self._turned_away = 0
        self._store = store
        self._waiting: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._closing = threading.Event()
        # A daemon: a file that is locked for good must not hold up the end of this process.
        self._thread = threading.Thread(target=self._run, name="record", daemon=True)

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    @property
    def lost(self) -> int:
        """Requests answered and not recorded."""
        return self._refused + self._turned_away

    async def record(self, served: Served) -> bool:
        """Returns whether a request is on the disk, for which it waits two seconds at most.

        One that is not there yet is written as soon as that can be done.
        """
        written: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        if not self._put(_Waiting(served, written)):
            return False
        await asyncio.wait([written], timeout=_WAITED_FOR_S)
        return written.done() and written.result()

    def record_soon(self, what: Served | EmbeddedTexts) -> None:
        """Records something as soon as that can be done; returns at once."""
        self._put(_Waiting(what, None))

    async def caught_up(self) -> bool:
        """Returns whether nothing that came before waits to be written any more; waits two seconds at most for it."""
        before, until = self._taken, time.monotonic() + _WAITED_FOR_S
        while self._done < before:
            if time.monotonic() >= until:
                return False
            await asyncio.sleep(_LOOK_EVERY_S)
        return True

    def close(self) -> None:
        """Waits until all is written; for a file that others lock, forty seconds at most."""
        self._closing.set()
        self._waiting.put(None)
        self._thread.join(_END_WAITS_S)

    def _put(self, waiting: _Waiting) -> bool:
        """Has it written, where there is room for one more to wait."""
        if self._waiting.qsize() >= _MOST_WAITING:
            self._turned_away += 1
            return False
        self._taken += 1
        self._waiting.put(waiting)
        return True

    def _run(self) -> None:
        while (first := self._waiting.get()) is not None:
            batch = [first]
            while len(batch) < _AT_ONCE and not self._waiting.empty():
                following = self._waiting.get()
                if following is None:
                    self._waiting.put(None)
                    break
                batch.append(following)
            self._write(batch)
            self._done += len(batch)

    def _write(self, batch: Sequence[_Waiting]) -> None:
        try:
            self._add(batch)
        except Exception as error:  # whatever it is, those that wait must be answered, and the next be written
            of_a_row = isinstance(error, RowError) or not isinstance(error, RecordError)
            if of_a_row and len(batch) > 1:  # one that cannot be written must not cost the others their place
                for each in batch:
                    self._write([each])
                return
            self._refused += len(batch)
            self.problem = str(error) if isinstance(error, RecordError) else f"{type(error).__name__}: {error}"
            _log.error("%d requests were answered and not recorded: %s", len(batch), error)
            _tell(batch, recorded=False)
            return
        self.problem = ""
        _tell(batch, recorded=True)

    def _add(self, batch: Sequence[_Waiting]) -> None:
        """Adds requests; while others hold the file it tries again, as long as this process does not end."""
        while True:
            try:
                return self._store.add_all([each.what for each in batch])
            except LockedError as error:
                self.problem = str(error)
                _log.error("%d requests wait to be recorded: %s", len(batch), error)
                if self._closing.wait(_AGAIN_AFTER_S):
                    raise


def _tell(batch: Sequence[_Waiting], *, recorded: bool) -> None:
    written = [each.written for each in batch if each.written is not None]
    if not written:
        return

    def tell() -> None:
        for each in written:
            if not each.done():
                each.set_result(recorded)

    loop = written[0].get_loop()
    if not loop.is_closed():
        loop.call_soon_threadsafe(tell)
