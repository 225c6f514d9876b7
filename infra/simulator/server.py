"""The simulated endpoint: the OpenAI protocol as far as this project speaks it."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from infra.simulator.batches import Batches
from infra.simulator.behaviour import Behaviour
from infra.simulator.endpoint import Endpoint
from infra.simulator.errors import json_response
from infra.simulator.files import Files
from infra.simulator.guarding import Guard
from infra.simulator.replies import CHAT, CREATED, EMBEDDINGS, RERANK
from infra.simulator.tuning_jobs import TuningJobs

_LARGEST_UPLOAD = 512 * 2**20
_BACKLOG = 4096
_END_WITHIN_S = 0.01
"""Requests that are still held then are broken off; 0 would mean that they are waited for without end."""


@asynccontextmanager
async def serving(behaviour: Behaviour, listening: socket.socket) -> AsyncIterator[None]:
    """Serves a simulated endpoint on a bound socket while the block runs; what hangs then is broken off."""
    # A request is given up when its client goes away: one that hangs would stay for ever.
    runner = web.AppRunner(
        simulator(behaviour),
        access_log=None,
        handler_cancellation=True,
        handle_signals=False,
        shutdown_timeout=_END_WITHIN_S,
    )
    await runner.setup()
    try:
        await web.SockSite(runner, listening, backlog=_BACKLOG).start()
        yield
    finally:
        await runner.cleanup()


def simulator(behaviour: Behaviour) -> web.Application:
    """Returns the application of a simulated endpoint.

    `/simulator/calls` counts chats and embeddings by route, those that failed included; `/simulator/requests` lists the
    bodies of the newest chat requests in the order in which they came; `/simulator/statistics` counts what came of
    them; `POST /simulator/reset` forgets them all, and keeps files, batches and
    fine-tuning jobs.
    """
    endpoint, files = Endpoint(behaviour), Files()
    batches, tuning = Batches(endpoint, files), TuningJobs(endpoint, files)
    guarded = Guard(endpoint)

    async def models(_: web.Request) -> web.Response:
        names = (*behaviour.models, *endpoint.tuned)
        known = [{"object": "model", "created": CREATED, "owned_by": "simulator", "id": name} for name in names]
        return json_response({"object": "list", "data": known})

    async def health(_: web.Request) -> web.Response:
        return json_response({"status": "ok"})

    async def counted_calls(_: web.Request) -> web.Response:
        return json_response(endpoint.statistics.calls)

    async def seen_requests(_: web.Request) -> web.Response:
        return web.Response(body=b"[" + b",".join(endpoint.requests) + b"]", content_type="application/json")

    async def statistics(_: web.Request) -> web.Response:
        return json_response(endpoint.statistics.told())

    async def reset(_: web.Request) -> web.Response:
        endpoint.reset()
        return json_response({"status": "reset"})

    async def close(_: web.Application) -> None:
        await batches.close()
        await tuning.close()

    app = web.Application(client_max_size=_LARGEST_UPLOAD)
    app.on_cleanup.append(close)
    app.add_routes(
        [
            web.post(CHAT, endpoint.handle),
            web.post(EMBEDDINGS, endpoint.handle),
            web.post(RERANK, endpoint.handle),
            web.get("/v1/models", models),
            web.post("/v1/files", guarded(files.create)),
            web.get("/v1/files", guarded(files.page)),
            web.get("/v1/files/{id}", guarded(files.retrieve)),
            web.get("/v1/files/{id}/content", guarded(files.content)),
            web.delete("/v1/files/{id}", guarded(files.delete)),
            web.post("/v1/batches", guarded(batches.create)),
            web.get("/v1/batches", guarded(batches.page)),
            web.get("/v1/batches/{id}", guarded(batches.retrieve)),
            web.post("/v1/batches/{id}/cancel", guarded(batches.cancel)),
            web.post("/v1/fine_tuning/jobs", guarded(tuning.create)),
            web.get("/v1/fine_tuning/jobs", guarded(tuning.page)),
            web.get("/v1/fine_tuning/jobs/{id}", guarded(tuning.retrieve)),
            web.post("/v1/fine_tuning/jobs/{id}/cancel", guarded(tuning.cancel)),
            web.get("/v1/fine_tuning/jobs/{id}/events", guarded(tuning.events)),
            web.get("/v1/fine_tuning/jobs/{id}/checkpoints", guarded(tuning.checkpoints)),
            web.get("/health", health),
            web.get("/simulator/calls", counted_calls),
            web.get("/simulator/requests", seen_requests),
            web.get("/simulator/statistics", statistics),
            web.post("/simulator/reset", reset),
        ]
    )
    return app
