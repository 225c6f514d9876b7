"""The files and batches of an endpoint, as OpenAI's API has them. Whatever goes wrong is a CallFailure."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from configs.errors import LifecycleError
from configs.schema.model import OpenAIModel
from tasks.calling.connecting import open_client
from tasks.calling.deferring.folder import Remembered
from tasks.calling.deferring.lines import CHAT
from tasks.calling.endpoint import callee_of
from tasks.calling.failures import Callee, CallFailure, FailureKind, failure_of, failure_of_status, torn
from tasks.calling.retrying import with_retries

if TYPE_CHECKING:
    from openai.types import Batch

ENDED = ("failed", "completed", "expired", "cancelled")

_NO_SUCH_API = (404, 405, 501)
_LOOKS = 3
"""A batch that was being made a moment ago may take its time to be listed."""
_CLOCKS_DIFFER_S = 3600
_MOST_FAILURES = 30
"""In a row, while waiting for what is at the endpoint: about half an hour."""
_TRANSFER_S = 300.0
"""Seconds that a file of 100 MB gets at least, to be taken."""


class NotMadeFailure(CallFailure):
    """The endpoint has refused a file or a batch: there is none of it, and nothing to look for."""


class Polling(NamedTuple):
    """How long to wait between two looks: ever longer, for a batch may take a minute or a day."""

    first_s: float = 1.0
    longest_s: float = 60.0

    def waits(self) -> Iterator[float]:
        """Yields the seconds to wait, without end."""
        wait_s = self.first_s
        while True:
            yield wait_s
            wait_s = min(self.longest_s, wait_s * 1.5)


class BatchEndpoint:
    """The batches of one model. To be made in a running event loop.

    Args:
        model: whose endpoint it is.
        retries: further tries of what is sent.
        polling: how long to wait between two looks.

    Raises:
        ConfigurationError: the environment variable that should hold the key is not set.
    """

    def __init__(self, model: OpenAIModel, retries: int, polling: Polling) -> None:
        self.callee: Callee = callee_of(model)
        self._client = open_client(model)
        self._timeout_s = model.timeout_s
        self._transfer_s = max(model.timeout_s, _TRANSFER_S)
        self._retries = retries
        self._polling = polling

    async def upload(self, lines: Path) -> str:
        """Sends a file of lines, and returns its id. One that is forgotten there is removed by OpenAI in 30 days.

        Raises:
            NotMadeFailure: the endpoint does not take it, or has no batch files.
            CallFailure: it did not get there.
        """

        async def once() -> str:
            with lines.open("rb") as content, self._failing(making=True):
                file = await self._client.files.create(
                    file=(f"lifecycle-{lines.name}", content), purpose="batch", timeout=self._transfer_s
                )
                return self._id(file)

        return (await with_retries(once, self._retries)).value

    async def create(self, remembered: Remembered, *, doubtful: bool) -> str:
        """Makes the batch of a file that was uploaded, and returns its id.

        Args:
            remembered: the batch.
            doubtful: whether it may have been made already; then it is looked for first.

        Raises:
            NotMadeFailure: the endpoint does not make it.
            CallFailure: nobody knows whether it was made.
        """
        waits = self._polling.waits()
        for attempt in range(self._retries + 1):
            if doubtful and (found := await self._look_for(remembered)):
                return found
            try:
                with self._failing(making=True):
                    batch = await self._client.batches.create(
                        input_file_id=remembered.file,
                        endpoint=CHAT,
                        completion_window="24h",
                        metadata=remembered.metadata,
                        timeout=self._timeout_s,
                    )
                    return self._id(batch)
            except CallFailure as failure:
                if not failure.retryable or attempt == self._retries:
                    raise
                # It may have been made all the same: its reply was lost, not the request.
                doubtful = True
                await asyncio.sleep(max(failure.retry_after or 0.0, next(waits)))
        raise AssertionError("unreachable: the last try returns or raises")

    async def ended(self, batch_id: str, seen: Callable[[int], None], end: Callable[[], str]) -> "Batch | None":
        """Waits for the end of a batch.

        Args:
            batch_id: the batch.
            seen: told how many of its lines have come to an end, at each look.
            end: says why to wait no longer, "" while there is time.

        Returns:
            The batch; None where `end` came first.

        Raises:
            CallFailure: it cannot be asked about, for so long that nobody would wait for it. It stays where it is.
        """
        failed = 0
        for wait_s in self._polling.waits():
            pause_s = wait_s
            try:
                with self._failing():
                    batch = await self._client.batches.retrieve(batch_id, timeout=self._timeout_s)
                    self._id(batch)
                failed = 0
                if batch.status in ENDED:
                    return batch
                if counts := batch.request_counts:
                    seen(counts.completed + counts.failed)
            except CallFailure as failure:
                failed += 1
                if not failure.kind.passes or failed > _MOST_FAILURES:
                    raise
                pause_s = max(wait_s, failure.retry_after or 0.0)
            if end():
                return None
            await asyncio.sleep(pause_s)
        raise AssertionError("unreachable: the waits have no end")

    async def read(self, file_id: str, line: Callable[[bytes], bool]) -> None:
        """Reads a file line by line; broken off, it is read anew.

        Args:
            file_id: the file.
            line: takes a line, maybe not for the first time; returns whether it is a whole one.

        Raises:
            CallFailure: it cannot be read, for so long that nobody would wait for it.
        """
        failed = 0
        for wait_s in self._polling.waits():
            try:
                await self._read_once(file_id, line)
                return
            except CallFailure as failure:
                failed += 1
                if not failure.kind.passes or failed > _MOST_FAILURES:
                    raise
                await asyncio.sleep(max(wait_s, failure.retry_after or 0.0))

    async def delete(self, file_id: str) -> None:
        """Deletes a file; that it cannot be deleted is no error."""
        with suppress(CallFailure), self._failing():
            await self._client.files.delete(file_id, timeout=self._timeout_s)

    def refusal(self, batch: "Batch") -> CallFailure:
        """Returns why a batch that `failed` was not begun."""
        errors = (batch.errors.data if batch.errors else None) or []
        said = "; ".join(f"{error.message} ({error.code})" for error in errors[:3]) or "it does not say why"
        full = any("limit" in (error.code or "") for error in errors)
        return failure_of_status(429 if full else 400, {}, f"batch {batch.id} failed: {said}", self.callee)

    async def _look_for(self, remembered: Remembered) -> str | None:
        for look, wait_s in zip(range(_LOOKS), self._polling.waits(), strict=False):
            if look:
                await asyncio.sleep(wait_s)
            found = (await with_retries(partial(self._listed, remembered), self._retries)).value
            if found:
                return found
        return None

    async def _listed(self, remembered: Remembered) -> str | None:
        with self._failing():
            async for batch in self._client.batches.list(limit=100, timeout=self._timeout_s):
                if remembered.metadata.items() <= (batch.metadata or {}).items():
                    return self._id(batch)
                if batch.created_at < remembered.at - _CLOCKS_DIFFER_S:
                    break
        return None

    async def _read_once(self, file_id: str, line: Callable[[bytes], bool]) -> None:
        rest = b""
        with self._failing():
            async with self._client.files.with_streaming_response.content(
                file_id, timeout=self._transfer_s
            ) as response:
                async for block in response.iter_bytes():
                    # By hand: the client's own lines also end at characters that may stand within JSON.
                    *lines, rest = (rest + block).split(b"\n")
                    for whole in lines:
                        line(whole)
            if rest.strip() and not line(rest):
                raise torn("broke off a file of its batch", self.callee)

    def _id(self, reply: object) -> str:
        """Returns the id of a file or a batch; a web page has none."""
        found = getattr(reply, "id", None)
        if not isinstance(found, str):
            raise CallFailure(
                FailureKind.NOT_THE_API, f"{self.callee}: answered something that is no batch; check `base_url`"
            )
        return found

    @contextmanager
    def _failing(self, *, making: bool = False) -> Iterator[None]:
        try:
            yield
        except LifecycleError:
            raise
        except Exception as error:  # whatever an endpoint answers, it is the endpoint's failure
            failure = failure_of(error, self.callee)
            status = getattr(error, "status_code", None)
            if not making or not isinstance(status, int) or failure.retryable:
                raise failure from None
            said = str(failure)
            if status in _NO_SUCH_API:
                said = (
                    f"{self.callee}: answered {status}, it seems to have no batch files; ask it without deferring, "
                    f"or check `base_url` (most end in /v1)"
                )
            raise NotMadeFailure(failure.kind, said) from None
