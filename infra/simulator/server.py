"""The simulated endpoint: the OpenAI protocol as far as this project speaks it."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from infra.simulator.answering import answer_to, embedding, tokens
from infra.simulator.behaviour import Behaviour, FaultKind
from infra.simulator.faults import Faults, error_reply, failed_reply

_CREATED = 1_700_000_000


def simulator(behaviour: Behaviour) -> FastAPI:
    """Returns the application of a simulated endpoint.

    `/simulator/calls` counts requests by route, those that failed included; `/simulator/requests` lists the bodies of
    the chat requests in the order in which they came.
    """
    app = FastAPI(title="Simulated endpoint", openapi_url=None)
    slots = asyncio.Semaphore(behaviour.slots)
    faults = Faults(behaviour.faults, behaviour.seed)
    calls: Counter[str] = Counter()
    requests: list[dict[str, Any]] = []

    async def refused(request: Request, body: dict[str, Any]) -> tuple[Response | None, FaultKind | None]:
        calls[request.url.path] += 1
        if behaviour.api_key is not None and request.headers.get("authorization") != f"Bearer {behaviour.api_key}":
            return error_reply(401, "Incorrect API key provided.", "invalid_api_key"), None
        fault = faults.of(body)
        return (await failed_reply(fault), fault.kind) if fault else (None, None)

    @app.post("/v1/chat/completions")
    async def chat(request: Request) -> Response:
        body = await request.json()
        requests.append(body)
        reply, broken = await refused(request, body)
        if reply is not None:
            return reply
        answer = _Answer(behaviour, body)
        if body.get("stream") and behaviour.streams:
            return StreamingResponse(answer.stream(slots, broken), media_type="text/event-stream")
        async with slots:
            await asyncio.sleep(behaviour.latency_s + behaviour.per_token_s * len(answer.pieces))
        return _broken(answer.whole(), broken)

    @app.post("/v1/embeddings")
    async def embeddings(request: Request) -> Response:
        body = await request.json()
        reply, broken = await refused(request, body)
        if reply is not None:
            return reply
        texts = body["input"] if isinstance(body["input"], list) else [body["input"]]
        async with slots:
            await asyncio.sleep(behaviour.latency_s)
        data = [
            {"object": "embedding", "index": index, "embedding": embedding(text, behaviour.dimensions)}
            for index, text in enumerate(texts)
        ]
        counted = sum(len(tokens(text)) for text in texts)
        content: dict[str, Any] = {"object": "list", "model": body.get("model"), "data": data}
        if behaviour.usage:
            content["usage"] = {"prompt_tokens": counted, "total_tokens": counted}
        return _broken(content, broken)

    @app.get("/v1/models")
    async def models() -> dict[str, Any]:
        known = [{"object": "model", "created": _CREATED, "owned_by": "simulator", "id": n} for n in behaviour.models]
        return {"object": "list", "data": known}

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/simulator/calls")
    async def counted_calls() -> dict[str, int]:
        return dict(calls)

    @app.get("/simulator/requests")
    async def seen_requests() -> list[dict[str, Any]]:
        return requests

    return app


class _Answer:
    """One answer, whole or in pieces of one token."""

    def __init__(self, behaviour: Behaviour, body: dict[str, Any]) -> None:
        self._behaviour = behaviour
        self._model = body.get("model") or behaviour.models[0]
        messages = body.get("messages") or []
        said = tokens(answer_to(messages, behaviour.rules))
        most = body.get("max_tokens") or body.get("max_completion_tokens") or len(said)
        self.pieces = said[:most]
        self._finish = "stop" if len(said) <= most else "length"
        counted = sum(len(tokens(str(message.get("content") or ""))) for message in messages)
        total = counted + len(self.pieces)
        self._usage = {"prompt_tokens": counted, "completion_tokens": len(self.pieces), "total_tokens": total}
        self._wants_usage = bool((body.get("stream_options") or {}).get("include_usage"))

    def whole(self) -> dict[str, Any]:
        message = {"role": "assistant", "content": "".join(self.pieces)}
        choice = {"index": 0, "message": message, "finish_reason": self._finish}
        content = {**self._head("chat.completion"), "choices": [choice]}
        return {**content, "usage": self._usage} if self._behaviour.usage else content

    async def stream(self, slots: asyncio.Semaphore, broken: FaultKind | None) -> AsyncIterator[str]:
        if broken == "empty":
            return
        async with slots:
            await asyncio.sleep(self._behaviour.latency_s)
            for position, piece in enumerate(self.pieces):
                if position:
                    await asyncio.sleep(self._behaviour.per_token_s)
                if broken and position >= len(self.pieces) // 2:
                    if broken == "torn":
                        raise ConnectionResetError("torn on purpose")
                    if broken == "half_json":
                        yield 'data: {"id": "simulated", "choi\n\n'
                    return
                yield self._event([{"index": 0, "delta": {"content": piece}, "finish_reason": None}])
        yield self._event([{"index": 0, "delta": {}, "finish_reason": self._finish}])
        if self._wants_usage and self._behaviour.usage:
            yield self._event([], self._usage)
        yield "data: [DONE]\n\n"

    def _event(self, choices: list[dict[str, Any]], usage: dict[str, int] | None = None) -> str:
        content = {**self._head("chat.completion.chunk"), "choices": choices, "usage": usage}
        return f"data: {json.dumps(content, ensure_ascii=False)}\n\n"

    def _head(self, kind: str) -> dict[str, Any]:
        return {"id": "simulated", "object": kind, "created": _CREATED, "model": self._model}


def _broken(content: dict[str, Any], broken: FaultKind | None) -> Response:
    """Returns a reply, cut in its middle where it is to be broken."""
    if broken is None:
        return JSONResponse(content)
    text = json.dumps(content)
    return Response(text[: len(text) // 2] if broken != "empty" else "", media_type="application/json")
