"""One request for a chat or for embeddings, from its admission to the last byte of its reply."""

import asyncio
import hmac
from collections import deque
from typing import NamedTuple

import orjson
from aiohttp import web

from infra.simulator.behaviour import Behaviour, Fault, FaultKind
from infra.simulator.chance import Sending, Sendings, log_normal
from infra.simulator.errors import Problem
from infra.simulator.faults import PAGE, Faults, problem_of
from infra.simulator.learning import Recall
from infra.simulator.limits import Limits
from infra.simulator.replies import CHAT, ChatReply, EmbeddingsReply, RerankReply, json_object, reply_to
from infra.simulator.statistics import Statistics


class _Admitted(NamedTuple):
    reply: ChatReply | EmbeddingsReply | RerankReply
    sending: Sending


class Endpoint:
    """Answers chats and embeddings as a behaviour says, and remembers what it was asked.

    `tuned` holds the models that fine-tuning jobs have made here, by their names.

    A request is first admitted: its key, then a free slot where none may wait, then the limits. Then it meets its
    fault; then it waits for a slot, takes its time in it and is answered. What is not admitted, and a fault that
    answers an error, take no slot and no time. A request that no limit admitted does not count as sent, so that faults
    and latencies do not depend on how fast the requests came.
    """

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.statistics = Statistics()
        self.tuned: dict[str, Recall] = {}
        self._slots = asyncio.Semaphore(behaviour.slots)
        self.reset()

    def reset(self) -> None:
        """Forgets all requests so far: the next are answered, fail and are counted as after the start."""
        held = self.statistics.in_flight
        self.statistics = Statistics(in_flight=held, most_in_flight=held)
        self.requests: deque[bytes] = deque(maxlen=self.behaviour.keep_requests)
        self.faults = Faults(self.behaviour.faults, self.behaviour.seed)
        self.batch_sendings = Sendings()
        self._limits = Limits(self.behaviour)
        self._sendings = Sendings()

    def authorize(self, request: web.Request) -> None:
        """Checks the key of a request.

        Raises:
            Problem: it is not the right one.
        """
        if self.behaviour.api_key is None:
            return
        found = request.headers.get("authorization", "").encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(found, f"Bearer {self.behaviour.api_key}".encode()):
            raise Problem(401, "Incorrect API key provided.", "invalid_api_key")

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answers a request, or fails as it was told to."""
        self.statistics.enter(request.path)
        try:
            admitted = self._admitted(request, await request.read())
            fault = self.faults.of(admitted.sending, admitted.reply.texts)
            if fault is None:
                return await self._answered(request, admitted, None)
            return await self._failed(request, admitted, fault)
        except Problem as problem:
            self.statistics.refuse(problem.status)
            problem.headers = {**self._limits.headers(), **problem.headers}
            return problem.response()
        finally:
            self.statistics.in_flight -= 1

    def _admitted(self, request: web.Request, text: bytes) -> _Admitted:
        body = json_object(text)
        if request.path == CHAT:
            self.requests.append(text)
        self.authorize(request)
        if self.behaviour.reject_above_slots and self._slots.locked():
            raise Problem(429, "All slots are taken.", "rate_limit_exceeded")
        reply = reply_to(self.behaviour, request.path, body, self.tuned)
        wait_s = self._limits.admit(reply.tokens_in + reply.tokens_out)
        if wait_s is not None:
            raise Problem(429, "Rate limit reached.", "rate_limit_exceeded", self._limits.headers(wait_s))
        sending = self._sendings.count(text)
        if request.path == CHAT:
            self.statistics.chat(sending)
        return _Admitted(reply, sending)

    async def _failed(self, request: web.Request, admitted: _Admitted, fault: Fault) -> web.StreamResponse:
        problem = problem_of(fault)
        if problem:
            raise problem
        if fault.kind == "hang":
            self.statistics.hung += 1
            await self._hang()
        if fault.kind == "html":
            self.statistics.failed += 1
            return web.Response(text=PAGE, content_type="text/html", headers=self._limits.headers() or None)
        return await self._answered(request, admitted, fault.kind)

    async def _hang(self) -> None:
        never = asyncio.get_running_loop().create_future()
        if self.behaviour.hang_holds_slot:
            async with self._slots:
                await never
        await never

    async def _answered(
        self, request: web.Request, admitted: _Admitted, broken: FaultKind | None
    ) -> web.StreamResponse:
        behaviour, (reply, sending) = self.behaviour, admitted
        latency_s = log_normal(behaviour.latency_s, behaviour.latency_sigma, behaviour.seed, sending)
        further_s = behaviour.per_token_s * max(0, reply.tokens_out - 1)
        headers = self._limits.headers() or None
        try:
            async with self._slots:
                if isinstance(reply, ChatReply) and reply.streams:
                    await _pass(latency_s)
                    response = await self._streamed(request, reply, headers, broken)
                else:
                    await _pass(latency_s + further_s)
                    response = _in_one_piece(reply, headers, broken)
        except (asyncio.CancelledError, ConnectionError):
            self.statistics.abandoned += 1
            raise
        if broken:
            self.statistics.failed += 1
        else:
            self.statistics.answer(reply.tokens_in, reply.tokens_out)
        return response

    async def _streamed(
        self, request: web.Request, reply: ChatReply, headers: dict[str, str] | None, broken: FaultKind | None
    ) -> web.StreamResponse:
        events = reply.events(broken)
        if not self.behaviour.per_token_s:
            events = [b"".join(events)]
            if broken != "torn":
                return web.Response(body=events[0], content_type="text/event-stream", headers=headers)
        response = web.StreamResponse(headers=headers)
        response.content_type = "text/event-stream"
        await response.prepare(request)
        for position, event in enumerate(events):
            if 0 < position < reply.tokens_out:
                await _pass(self.behaviour.per_token_s)
            await response.write(event)
        if broken == "torn" and request.transport:
            request.transport.close()
        return response


async def _pass(seconds: float) -> None:
    if seconds:
        await asyncio.sleep(seconds)


def _in_one_piece(
    reply: ChatReply | EmbeddingsReply | RerankReply, headers: dict[str, str] | None, broken: FaultKind | None
) -> web.Response:
    text = b"" if broken == "empty" else orjson.dumps(reply.whole())
    if broken:
        text = text[: len(text) // 2]
    return web.Response(body=text, content_type="application/json", headers=headers)
