"""Requests about files, batches and fine-tuning jobs: who may make them, how they fail, and how long they take."""

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

from infra.simulator.behaviour import Fault
from infra.simulator.chance import Sendings
from infra.simulator.endpoint import Endpoint
from infra.simulator.errors import Problem
from infra.simulator.faults import PAGE, Faults, problem_of

Handler = Callable[[web.Request], Awaitable[web.Response]]


class Guard:
    """Lets a request through to its handler as the behaviour says: its key, its fault, its time.

    What breaks a reply breaks it after the request was carried out: its sender does not know then.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._faults = Faults(endpoint.behaviour.api_faults, endpoint.behaviour.seed)
        self._sendings = Sendings()

    def __call__(self, handler: Handler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """Returns the handler behind the guard."""

        async def handle(request: web.Request) -> web.StreamResponse:
            try:
                self._endpoint.authorize(request)
                asked = f"{request.method} {request.path}"
                fault = self._faults.of(self._sendings.count(asked.encode()), (asked,))
                if fault and (problem := problem_of(fault)):
                    raise problem
                if fault and fault.kind == "hang":
                    await asyncio.get_running_loop().create_future()
                if fault and fault.kind == "html":
                    return web.Response(text=PAGE, content_type="text/html")
                await asyncio.sleep(self._endpoint.behaviour.api_latency_s)
                reply = await handler(request)
                return _broken(reply, fault) if fault else reply
            except Problem as problem:
                return problem.response()

        return handle


def _broken(reply: web.Response, fault: Fault) -> web.Response:
    text = reply.body if isinstance(reply.body, bytes) else b""
    return web.Response(body=b"" if fault.kind == "empty" else text[: len(text) // 2], content_type=reply.content_type)
