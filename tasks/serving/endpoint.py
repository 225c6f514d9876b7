"""The champion behind an OpenAI-compatible endpoint."""

import hmac
import ipaddress
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import SecretStr

from configs.errors import DataError, LifecycleError
from configs.schema.dataset import Columns
from tasks.calling.answer import Outcome
from tasks.serving.champion import ChampionKeeper
from tasks.serving.exchange import Exchange, Recorder
from tasks.serving.protocol import (
    Head,
    ProtocolError,
    closing_chunks,
    completion,
    error_chunk,
    opening_chunk,
    read_request,
    text_chunk,
)
from tasks.serving.responder import Reply

_MAX_BODY_BYTES = 1_048_576


class Endpoint:
    """The routes of one app's endpoint.

    Args:
        app: name of the app, which is the model's name.
        columns: roles of the columns that a request's messages fill.
        keeper: holds the champion.
        recorder: writes what was served.
        key: where set, the only key that is answered.
    """

    def __init__(
        self, app: str, columns: Columns, keeper: ChampionKeeper, recorder: Recorder, key: SecretStr | None
    ) -> None:
        self._app = app
        self._columns = columns
        self._keeper = keeper
        self._recorder = recorder
        self._key = key

    def install(self, api: FastAPI) -> None:
        """Adds the routes and the shape of errors."""
        api.add_api_route("/live", self.live, methods=["GET"])
        api.add_api_route("/health", self.health, methods=["GET"])
        api.add_api_route("/v1/models", self.models, methods=["GET"])
        api.add_api_route("/v1/models/{name}", self.model, methods=["GET"])
        api.add_api_route("/v1/chat/completions", self.chat, methods=["POST"])
        api.add_api_route("/admin/reload", self.reload, methods=["POST"])

        @api.exception_handler(ProtocolError)
        async def _refuse(_request: Request, error: ProtocolError) -> JSONResponse:
            return JSONResponse(error.body, error.status, headers=error.headers)

        @api.exception_handler(404)
        @api.exception_handler(405)
        async def _refuse_address(request: Request, _error: Exception) -> JSONResponse:
            message = f"no {request.method} {request.url.path} here; see /v1/chat/completions, /v1/models, /health"
            return JSONResponse(ProtocolError(404, message, "unknown_url").body, 404)

        @api.exception_handler(Exception)
        async def _fail(_request: Request, error: Exception) -> JSONResponse:
            message = f"{type(error).__name__}; the log of the endpoint says more"
            return JSONResponse(ProtocolError(500, message, "internal").body, 500)

    async def live(self) -> JSONResponse:
        """200: this process answers and can take up a champion, whether or not the present one can be served."""
        return JSONResponse({"status": "ok", "app": self._app})

    async def health(self) -> JSONResponse:
        """200 with the champion, or none where nothing has been released; 503 where the champion cannot be served."""
        current, keeper = self._keeper.current, self._keeper
        down = current is None and keeper.problem
        content: dict[str, Any] = {
            "status": "unavailable" if down else "ok",
            "app": self._app,
            "champion": current and {"candidate": current.candidate, "version": current.version},
        }
        problems = [keeper.problem, keeper.registry_problem, self._recorder.problem]
        if any(problems):
            content["problems"] = [problem for problem in problems if problem]
        return JSONResponse(content, 503 if down else 200)

    async def models(self, request: Request) -> dict[str, Any]:
        """The one model there is: the app."""
        self._authorize(request)
        return {"object": "list", "data": [_model(self._app)]}

    async def model(self, request: Request, name: str) -> dict[str, Any]:
        """The same, by its name."""
        self._authorize(request)
        self._check_model(name)
        return _model(self._app)

    async def reload(self, request: Request) -> JSONResponse:
        """Takes up at once what the release log says. Only from this machine."""
        self._authorize(request)
        if request.client is None or not ipaddress.ip_address(request.client.host).is_loopback:
            raise ProtocolError(403, "only a process of this machine may do this", "not_local")
        try:
            await self._keeper.reload()
        except LifecycleError as error:
            raise ProtocolError(503, str(error), "not_servable") from error
        return await self.health()

    async def chat(self, request: Request) -> Response:
        """Answers a conversation."""
        self._authorize(request)
        asked = read_request(await _body(request))
        self._check_model(asked.model)
        champion = self._keeper.current
        if champion is None:
            reason = self._keeper.problem or f"nothing has been released yet; `lifecycle run loop --app {self._app}`"
            raise ProtocolError(503, f"no champion: {reason}", "no_champion")
        exchange = Exchange.begin(asked, champion, self._columns, self._recorder)
        headers = {"x-lifecycle-candidate": champion.candidate, "x-lifecycle-request": exchange.id}
        replies = exchange.replies()
        try:
            first = await anext(replies)
        except DataError as error:
            raise ProtocolError(400, str(error), "invalid_value", "metadata") from error
        if isinstance(first, Reply):
            _check_answered(first, headers)
        head = Head.now(exchange.id, self._app)
        if asked.stream:
            events = _events(head, asked.include_usage, first, replies)
            return StreamingResponse(events, 200, headers | {"cache-control": "no-cache"}, "text/event-stream")
        reply = await _last(first, replies)
        _check_answered(reply, headers)
        text, reason, usage = reply.answer.text, reply.finish_reason, reply.answer.usage
        return JSONResponse(completion(head, text, reason, usage), headers=headers)

    def _check_model(self, name: str) -> None:
        if name != self._app:
            raise ProtocolError(404, f"no model {name!r} here; the model is {self._app!r}", "model_not_found", "model")

    def _authorize(self, request: Request) -> None:
        if self._key is None:
            return
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        right = hmac.compare_digest(given.strip().encode(), self._key.get_secret_value().encode())
        if scheme.lower() != "bearer" or not right:
            raise ProtocolError(401, "wrong or missing key: send `Authorization: Bearer …`", "invalid_api_key")


async def _last(first: str | Reply, replies: AsyncGenerator[str | Reply]) -> Reply:
    piece = first
    while isinstance(piece, str):
        piece = await anext(replies)
    return piece


async def _events(
    head: Head, include_usage: bool, first: str | Reply, replies: AsyncGenerator[str | Reply]
) -> AsyncGenerator[bytes]:
    async with aclosing(replies):
        yield opening_chunk(head, include_usage)
        piece = first
        while isinstance(piece, str):
            yield text_chunk(head, piece, include_usage)
            piece = await anext(replies)
        if piece.answer.outcome is not Outcome.OK:
            yield error_chunk(_upstream(piece))
            return
        for event in closing_chunks(head, piece.finish_reason, piece.answer.usage, include_usage):
            yield event


def _check_answered(reply: Reply, headers: dict[str, str]) -> None:
    if reply.answer.outcome is not Outcome.OK:
        raise _upstream(reply, headers)


def _upstream(reply: Reply, headers: dict[str, str] | None = None) -> ProtocolError:
    return ProtocolError(502, f"the application could not answer: {reply.answer.cause}", "upstream", headers=headers)


async def _body(request: Request) -> bytes:
    too_large = ProtocolError(413, f"the body is larger than {_MAX_BODY_BYTES} bytes", "too_large")
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > _MAX_BODY_BYTES:
        raise too_large
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > _MAX_BODY_BYTES:
            raise too_large
    return bytes(body)


def _model(app: str) -> dict[str, Any]:
    return {"id": app, "object": "model", "created": 0, "owned_by": "lifecycle"}
