"""The batches of an endpoint, as OpenAI's API has them. Whatever goes wrong is a CallFailure."""

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from configs.schema.model import OpenAIModel
from tasks.calling.deferring.folder import Remembered
from tasks.calling.deferring.lines import CHAT
from tasks.calling.failures import Callee, CallFailure, failure_of_status, torn
from tasks.calling.polling import Polling, patiently
from tasks.calling.provider import Provider
from tasks.calling.retrying import with_retries

if TYPE_CHECKING:
    from openai.types import Batch

ENDED = ("failed", "completed", "expired", "cancelled")

_LACKS = "it seems to have no batch files; ask it without deferring, or check `base_url` (most end in /v1)"
_LOOKS = 3
"""A batch that was being made a moment ago may take its time to be listed."""
_CLOCKS_DIFFER_S = 3600


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
        self._provider = Provider(model, retries, "batch", _LACKS)
        self.callee: Callee = self._provider.callee
        self._client = self._provider.client
        self._timeout_s = model.timeout_s
        self._retries = retries
        self._polling = polling

    async def upload(self, lines: Path) -> str:
        """Sends a file of lines, and returns its id. One that is forgotten there is removed by OpenAI in 30 days.

        Raises:
            NotMadeFailure: the endpoint does not take it, or has no batch files.
            CallFailure: it did not get there.
        """
        return await self._provider.upload(f"lifecycle-{lines.name}", lambda: lines.open("rb"))

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
                with self._provider.failing(making=True):
                    batch = await self._client.batches.create(
                        input_file_id=remembered.file,
                        endpoint=CHAT,
                        completion_window="24h",
                        metadata=remembered.metadata,
                        timeout=self._timeout_s,
                    )
                    return self._provider.id_of(batch)
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

        async def look() -> "Batch | None":
            with self._provider.failing():
                batch = await self._client.batches.retrieve(batch_id, timeout=self._timeout_s)
                self._provider.id_of(batch)
            if batch.status not in ENDED and (counts := batch.request_counts):
                seen(counts.completed + counts.failed)
            return batch if batch.status in ENDED else None

        return await patiently(look, self._polling, end)

    async def read(self, file_id: str, line: Callable[[bytes], bool]) -> None:
        """Reads a file line by line; broken off, it is read anew.

        Args:
            file_id: the file.
            line: takes a line, maybe not for the first time; returns whether it is a whole one.

        Raises:
            CallFailure: it cannot be read, for so long that nobody would wait for it.
        """

        async def look() -> bool:
            await self._read_once(file_id, line)
            return True

        await patiently(look, self._polling)

    async def delete(self, file_id: str) -> None:
        """Deletes a file; that it cannot be deleted is no error."""
        await self._provider.delete(file_id)

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
        with self._provider.failing():
            async for batch in self._client.batches.list(limit=100, timeout=self._timeout_s):
                if remembered.metadata.items() <= (batch.metadata or {}).items():
                    return self._provider.id_of(batch)
                if batch.created_at < remembered.at - _CLOCKS_DIFFER_S:
                    break
        return None

    async def _read_once(self, file_id: str, line: Callable[[bytes], bool]) -> None:
        rest = b""
        with self._provider.failing():
            async with self._client.files.with_streaming_response.content(
                file_id, timeout=self._provider.transfer_s
            ) as response:
                async for block in response.iter_bytes():
                    # By hand: the client's own lines also end at characters that may stand within JSON.
                    *lines, rest = (rest + block).split(b"\n")
                    for whole in lines:
                        line(whole)
            if rest.strip() and not line(rest):
                raise torn("broke off a file of its batch", self.callee)
