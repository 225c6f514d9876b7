"""The champion behind an OpenAI-compatible endpoint."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson
from aiohttp import web

from configs.errors import DataError, LifecycleError
from configs.schema.dataset import Columns
from tasks.calling.answer import Outcome
from tasks.serving.admission import Admission
from tasks.serving.champion import Champion, ChampionKeeper
from tasks.serving.doorkeeper import Doorkeeper
from tasks.serving.exchange import Exchange
from tasks.serving.keys import Key
from tasks.serving.metrics import Metrics
from tasks.serving.protocol import (
    ChatRequest,
    Head,
    ProtocolError,
    VoteRequest,
    closing_chunks,
    completion,
    error_chunk,
    opening_chunk,
    read_request,
    text_chunk,
)
from tasks.serving.record import RecordStore
from tasks.serving.record_file import RecordError
from tasks.serving.recording import Recorder
from tasks.serving.responder import Reply
from tasks.serving.votes import Vote

_log = logging.getLogger(__name__)

_MAX_BODY_BYTES = 1_048_576
_BODY_WITHIN_S = 30.0
_WRITE_WITHIN_S = 60.0
_STREAM = {"content-type": "text/event-stream", "cache-control": "no-cache"}


class Endpoint:
    """The routes of one app's endpoint.

    Args:
        app: name of the app, which is the model's name.
        columns: roles of the columns that a request's messages fill.
        keeper: holds the champion.
        recorder: writes what was served.
        store: what was served.
        admission: says whether there is room for one more request.
        metrics: counts.
        doorkeeper: knows the keys, and what is left to each.
    """

    def __init__(
        self,
        app: str,
        columns: Columns,
        keeper: ChampionKeeper,
        recorder: Recorder,
        store: RecordStore,
        admission: Admission,
        metrics: Metrics,
        doorkeeper: Doorkeeper,
    ) -> None:
        self._app = app
        self._columns = columns
        self._keeper = keeper
        self._recorder = recorder
        self._store = store
        self._admission = admission
        self._metrics = metrics
        self._doorkeeper = doorkeeper

    def install(self, api: web.Application) -> None:
        """Adds the routes."""
        api.add_routes(
            [
                web.get("/live", self.live),
                web.get("/ready", self.ready),
                web.get("/health", self.health),
                web.get("/metrics", self.metrics),
                web.get("/v1/models", self.models),
                web.get("/v1/models/{name}", self.model),
                web.post("/v1/chat/completions", self.chat),
                web.post("/v1/feedback", self.feedback),
                web.post("/admin/reload", self.reload),
            ]
        )

    async def live(self, _request: web.Request) -> web.Response:
        """200: this process answers and can take up a champion, whether or not the present one can be served."""
        return _json({"status": "ok", "app": self._app})

    async def ready(self, _request: web.Request) -> web.Response:
        """200 where a request would be answered now; 503 where there is no champion, or no room."""
        full = self._admission.full
        ready = self._keeper.current is not None and not full
        why = "too many requests under way" if full else self._keeper.problem or "no champion"
        return _json({"status": "ok"} if ready else {"status": "unavailable", "why": why}, 200 if ready else 503)

    async def health(self, _request: web.Request) -> web.Response:
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
        return _json(content, 503 if down else 200)

    async def metrics(self, _request: web.Request) -> web.Response:
        """What is counted, as Prometheus reads it."""
        return web.Response(body=self._metrics.text(), headers={"content-type": self._metrics.content_type})

    async def models(self, request: web.Request) -> web.Response:
        """The one model there is: the app."""
        self._doorkeeper.key_of(request)
        return _json({"object": "list", "data": [_model(self._app)]})

    async def model(self, request: web.Request) -> web.Response:
        """The same, by its name."""
        self._doorkeeper.key_of(request)
        self._check_model(request.match_info["name"])
        return _json(_model(self._app))

    async def reload(self, request: web.Request) -> web.Response:
        """Takes up at once what the release log says. Only from this machine, and with its key where there are keys."""
        self._doorkeeper.check_local(request)
        try:
            await self._keeper.reload()
        except LifecycleError as error:
            raise ProtocolError(503, str(error), "not_servable") from error
        return await self.health(request)

    async def chat(self, request: web.Request) -> web.StreamResponse:
        """Answers a conversation."""
        key, local = self._doorkeeper.key_of(request), self._doorkeeper.is_local(request)
        with self._admission.admitted(always=local):
            await self._doorkeeper.begin(key)
            asked = read_request(await _body(request), ChatRequest)
            self._check_model(asked.model)
            return await self._answer(request, asked, self._champion(), _Asker(key, local))

    async def feedback(self, request: web.Request) -> web.Response:
        """Takes what a person says of an answer, by the id of its request."""
        key = self._doorkeeper.key_of(request)
        with self._admission.admitted():
            await self._doorkeeper.begin(key)
            said = read_request(await _body(request), VoteRequest)
            vote = Vote(said.request, said.good, said.comment, datetime.now(UTC), key.id if key else "")
            try:
                found = await asyncio.to_thread(self._store.votes.add, vote)
            except RecordError as error:
                _log.error("%s", error)
                raise ProtocolError(503, "the vote could not be kept; try again", "not_recorded") from error
        if not found:
            message = f"no request {said.request[:80]!r} of yours was answered here"
            raise ProtocolError(404, message, "unknown_request", "request")
        return _json({"status": "ok"})

    async def _answer(
        self, request: web.Request, asked: ChatRequest, champion: Champion, asker: "_Asker"
    ) -> web.StreamResponse:
        key = asker.key
        # Whoever else names a row of the production data would be measured by its reference.
        played = str((asked.metadata or {}).get("row_id") or "") if asker.local else ""
        exchange = Exchange.begin(asked, champion, self._columns, self._recorder, played, key.id if key else "")
        headers = {"x-lifecycle-candidate": champion.candidate, "x-lifecycle-request": exchange.id}
        head = Head.now(exchange.id, self._app)
        async with aclosing(self._counted(exchange, key)) as replies:
            try:
                piece = await anext(replies)
            except DataError as error:
                raise ProtocolError(400, str(error), "invalid_value", "metadata") from error
            if asked.stream and isinstance(piece, str):
                return await _streamed(request, head, asked.include_usage, piece, replies, headers)
            while isinstance(piece, str):
                piece = await anext(replies)
        if piece.answer.outcome is not Outcome.OK:
            raise _upstream(piece, headers)
        return _json(completion(head, piece.answer.text, piece.finish_reason, piece.answer.usage), headers=headers)

    async def _counted(self, exchange: Exchange, key: Key | None) -> AsyncGenerator[str | Reply]:
        async with aclosing(exchange.replies()) as replies:
            async for piece in replies:
                if isinstance(piece, Reply):
                    self._metrics.answered(piece)
                    self._doorkeeper.used(key, piece)
                yield piece

    def _champion(self) -> Champion:
        if self._keeper.current is None:
            reason = self._keeper.problem or f"nothing has been released yet; `lifecycle run loop --app {self._app}`"
            raise ProtocolError(503, f"no champion: {reason}", "no_champion")
        return self._keeper.current

    def _check_model(self, name: str) -> None:
        if name != self._app:
            raise ProtocolError(404, f"no model {name!r} here; the model is {self._app!r}", "model_not_found", "model")


class _Asker(NamedTuple):
    """Who asks: the key, and whether it is a process of this machine."""

    key: Key | None
    local: bool


async def _streamed(
    request: web.Request,
    head: Head,
    include_usage: bool,
    first: str,
    replies: AsyncGenerator[str | Reply],
    headers: Mapping[str, str],
) -> web.StreamResponse:
    response = web.StreamResponse(headers={**headers, **_STREAM})
    await response.prepare(request)
    try:
        await _write(request, response, opening_chunk(head, include_usage))
        piece: str | Reply = first
        while isinstance(piece, str):
            await _write(request, response, text_chunk(head, piece, include_usage))
            piece = await anext(replies)
        if piece.answer.outcome is Outcome.OK:
            last = b"".join(closing_chunks(head, piece.finish_reason, piece.answer.usage, include_usage))
        else:
            last = error_chunk(_upstream(piece))
    except ConnectionError:
        raise
    except Exception as error:  # the reply has begun: what went wrong can only be its end
        _log.exception("a stream broke off")
        last = error_chunk(ProtocolError(500, f"{type(error).__name__}; the log of the endpoint says more", "internal"))
    await _write(request, response, last)
    await response.write_eof()
    return response


async def _write(request: web.Request, response: web.StreamResponse, content: bytes) -> None:
    """Writes a part of a reply; a client that does not read it is given up, since it holds a place and a call."""
    try:
        async with asyncio.timeout(_WRITE_WITHIN_S):
            await response.write(content)
    except TimeoutError:
        if request.transport is not None:
            request.transport.abort()
        raise ConnectionResetError("the client does not read") from None


def _upstream(reply: Reply, headers: dict[str, str] | None = None) -> ProtocolError:
    return ProtocolError(502, f"the application could not answer: {reply.answer.cause}", "upstream", headers=headers)


async def _body(request: web.Request) -> bytes:
    too_large = ProtocolError(413, f"the body is larger than {_MAX_BODY_BYTES} bytes", "too_large")
    if (request.content_length or 0) > _MAX_BODY_BYTES:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(_BODY_WITHIN_S):
            async for piece in request.content.iter_any():
                body += piece
                if len(body) > _MAX_BODY_BYTES:
                    raise too_large
    except web.RequestPayloadError:
        raise ProtocolError(400, "the body is not what its headers say", "invalid_body") from None
    except TimeoutError:
        raise ProtocolError(408, f"the body did not come within {_BODY_WITHIN_S:g} s", "timeout") from None
    return bytes(body)


def _model(app: str) -> dict[str, Any]:
    return {"id": app, "object": "model", "created": 0, "owned_by": "lifecycle"}


def _json(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(body=orjson.dumps(content), status=status, headers=headers, content_type="application/json")
