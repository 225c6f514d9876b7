"""Writes served requests to the disk: many at once where many wait, and each before its client has the whole answer."""

import asyncio
import logging
import queue
import threading
from collections.abc import Sequence
from typing import NamedTuple

from tasks.serving.record import RecordStore, Served
from tasks.serving.record_file import RecordError, RowError

_log = logging.getLogger(__name__)

_AT_ONCE = 200
_WITHIN_S = 40.0
"""A file that others lock is waited for 30 seconds."""


class _Waiting(NamedTuple):
    """A request to be written, and who waits for it; None where nobody does."""

    served: Served
    written: "asyncio.Future[None] | None"


class Recorder:
    """Writes in a thread of its own, in order; requests that came while it wrote share the next commit.

    A store that cannot be written costs no client its answer; it is logged and shown in `/health`.

    Attributes:
        problem: why the last requests could not be recorded, "" where they could.
        lost: requests answered and not recorded.
    """

    def __init__(self, store: RecordStore) -> None:
        self.problem = ""
        self.lost = 0
        self._store = store
        self._waiting: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        # A daemon: a file that is locked for good must not hold up the end of this process.
        self._thread = threading.Thread(target=self._run, name="record", daemon=True)

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    async def record(self, served: Served) -> None:
        """Returns once the request is on the disk, or could not be brought there in time."""
        written = asyncio.get_running_loop().create_future()
        self._waiting.put(_Waiting(served, written))
        await asyncio.wait([written], timeout=_WITHIN_S)

    def record_later(self, served: Served) -> None:
        """Records a request whose client waits for nothing any more."""
        self._waiting.put(_Waiting(served, None))

    def close(self) -> None:
        """Waits until all is written, so long as a request would."""
        self._waiting.put(None)
        self._thread.join(_WITHIN_S)

    def _run(self) -> None:
        while (first := self._waiting.get()) is not None:
            batch = [first]
            while len(batch) < _AT_ONCE and not self._waiting.empty():
                following = self._waiting.get()
                if following is None:
                    self._waiting.put(None)
                    break
                batch.append(following)
            self._add([each.served for each in batch])
            _tell([each.written for each in batch if each.written is not None])

    def _add(self, served: Sequence[Served]) -> None:
        try:
            self._store.add_all(served)
            self.problem = ""
        except Exception as error:  # whatever it is, those that wait must be answered, and the next be written
            of_a_row = isinstance(error, RowError) or not isinstance(error, RecordError)
            if of_a_row and len(served) > 1:  # one that cannot be written must not cost the others their place
                for each in served:
                    self._add([each])
                return
            self.lost += len(served)
            self.problem = str(error) if isinstance(error, RecordError) else f"{type(error).__name__}: {error}"
            _log.error("%d requests were answered and not recorded: %s", len(served), error)


def _tell(written: "Sequence[asyncio.Future[None]]") -> None:
    if not written:
        return

    def tell() -> None:
        for each in written:
            if not each.done():
                each.set_result(None)

    loop = written[0].get_loop()
    if not loop.is_closed():
        loop.call_soon_threadsafe(tell)
