"""The batches of an endpoint: the requests about them, and how they come to their end."""

import asyncio
from itertools import islice
from typing import NamedTuple

import orjson
from aiohttp import web

from infra.simulator.batch import ENDED, Batch, batch_of
from infra.simulator.batch_lines import Line, LineResult, carry_out, not_carried_out, read_lines
from infra.simulator.chance import Sending, share
from infra.simulator.endpoint import Endpoint
from infra.simulator.errors import Problem, json_response
from infra.simulator.files import Files
from infra.simulator.paging import page_of
from infra.simulator.replies import json_object

_STEPS = 10
_AT_ONCE = 100
"""Lines that are answered before other requests have their turn."""


class _Sent(NamedTuple):
    line: Line
    sending: Sending


class Batches:
    """Keeps batches and answers the requests about them.

    A batch is validated in the first tenth of `batch_s`, in progress in eight and finalized in the last. A cancelled
    batch ends at its next step; it keeps what was answered.
    """

    def __init__(self, endpoint: Endpoint, files: Files) -> None:
        self._endpoint = endpoint
        self._files = files
        self._kept: dict[str, Batch] = {}
        self._running: set[asyncio.Task[None]] = set()

    async def create(self, request: web.Request) -> web.Response:
        """`POST /v1/batches`."""
        batch = batch_of(json_object(await request.read()))
        file = self._files.get(batch.input_file_id)
        if file.purpose != "batch":
            raise Problem(400, f"File '{file.id}' must have purpose 'batch', found '{file.purpose}'.")
        self._kept[batch.id] = batch
        self._endpoint.statistics.batches += 1
        running = asyncio.create_task(self._run(batch, file.content))
        self._running.add(running)
        running.add_done_callback(self._running.discard)
        return json_response(batch.described())

    async def retrieve(self, request: web.Request) -> web.Response:
        """`GET /v1/batches/{id}`."""
        return json_response(self._batch(request.match_info["id"]).described())

    async def cancel(self, request: web.Request) -> web.Response:
        """`POST /v1/batches/{id}/cancel`; cancelling what is cancelled already changes nothing."""
        batch = self._batch(request.match_info["id"])
        if batch.status in ENDED and batch.status != "cancelled":
            raise Problem(409, f"Cannot cancel a batch with status '{batch.status}'.")
        if batch.status not in ("cancelling", "cancelled"):
            batch.reach("cancelling")
        return json_response(batch.described())

    async def page(self, request: web.Request) -> web.Response:
        """`GET /v1/batches`: the newest first, `limit` of them behind the one that `after` names."""
        return page_of(request, [batch.described() for batch in self._kept.values()])

    async def close(self) -> None:
        """Ends what still runs."""
        for running in list(self._running):
            running.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    def _batch(self, batch_id: str) -> Batch:
        if batch_id not in self._kept:
            raise Problem(404, f"No batch found with id '{batch_id}'.")
        return self._kept[batch_id]

    async def _run(self, batch: Batch, content: bytes) -> None:
        step_s = self._endpoint.behaviour.batch_s / _STEPS
        await asyncio.sleep(step_s)
        lines = read_lines(content, batch)
        if batch.errors:
            batch.reach("failed")
            return
        batch.total = len(lines)
        results = await self._carried_out(batch, lines, step_s)
        if batch.status == "in_progress":
            batch.reach("finalizing")
        await asyncio.sleep(step_s)
        self._keep(batch, results)

    async def _carried_out(self, batch: Batch, lines: list[Line], step_s: float) -> list[LineResult]:
        if batch.status == "validating":
            batch.reach("in_progress")
        seed, sendings = self._endpoint.behaviour.seed, self._endpoint.batch_sendings
        sent = [_Sent(line, sendings.count(orjson.dumps(line.body))) for line in lines]
        # Answers come in an order of their own, so that nobody relies on that of the lines.
        waiting = iter(sorted(sent, key=lambda one: share(seed, one.sending, "order")))
        results: list[LineResult] = []
        for step in range(1, _STEPS - 1):
            await asyncio.sleep(step_s)
            until = len(lines) * step // (_STEPS - 2)
            while len(results) < until and batch.status == "in_progress":
                for line, sending in islice(waiting, min(_AT_ONCE, until - len(results))):
                    results.append(carry_out(self._endpoint, batch, line, sending))
                    batch.failed += results[-1].failed
                    batch.completed += not results[-1].failed
                await asyncio.sleep(0)
            if batch.status == "cancelling":
                break
        cancelled = [not_carried_out(line, "batch_cancelled") for line, _ in waiting]
        batch.failed += len(cancelled)
        return results + cancelled

    def _keep(self, batch: Batch, results: list[LineResult]) -> None:
        output = b"".join(result.text for result in results if not result.failed)
        errors = b"".join(result.text for result in results if result.failed)
        if output:
            batch.output_file_id = self._files.add(f"{batch.id}_output.jsonl", "batch_output", output).id
        if errors:
            batch.error_file_id = self._files.add(f"{batch.id}_error.jsonl", "batch_output", errors).id
        if batch.status == "cancelling":
            batch.reach("cancelled")
        else:
            batch.reach("expired" if any(result.expired for result in results) else "completed")
