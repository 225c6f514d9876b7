"""The champions of some apps behind an OpenAI-compatible endpoint."""

import logging
from collections.abc import Callable, Mapping
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson
from aiohttp import web

from configs.errors import DataError, LifecycleError
from configs.settings import settings
from tasks.calling.answer import Outcome
from tasks.calling.embedding import embed_now
from tasks.guarding.done import GuardError
from tasks.serving.admission import Admission
from tasks.serving.asking import RECORD, WAIT
from tasks.serving.body import read_body
from tasks.serving.doorkeeper import Doorkeeper
from tasks.serving.embeddings import EmbeddingsRequest, embeddings
from tasks.serving.exchange import Exchange
from tasks.serving.guarded import let_in, texts_let_in
from tasks.serving.keys import Key
from tasks.serving.metrics import CONTENT_TYPE
from tasks.serving.protocol import ChatRequest, ProtocolError, VoteRequest, read_request
from tasks.serving.record_file import RecordError
from tasks.serving.refusing import refusal_of
from tasks.serving.responder import Reply
from tasks.serving.responses import ResponsesRequest
from tasks.serving.served_app import ServedApp
from tasks.serving.served_apps import ServedApps
from tasks.serving.streaming import streamed
from tasks.serving.votes import Vote

_log = logging.getLogger(__name__)


class Endpoint:
    """The routes of a server.

    Args:
        apps: what it serves.
        admission: says whether there is room for one more request.
        doorkeeper: knows the keys, and what is left to each.
    """

    def __init__(self, apps: ServedApps, admission: Admission, doorkeeper: Doorkeeper) -> None:
        self._apps = apps
        self._admission = admission
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
                web.post("/v1/responses", self.responses),
                web.post("/v1/embeddings", self.embeddings),
                web.post("/v1/feedback", self.feedback),
                web.post("/admin/reload", self.reload),
            ]
        )

    async def live(self, _request: web.Request) -> web.Response:
        """200: this process answers and can take up a champion, whether or not the present one can be served."""
        only = self._apps.only
        served = {"app": only.name} if only else {"apps": [app.name for app in self._apps.served]}
        return _json({"status": "ok", **served})

    async def ready(self, request: web.Request) -> web.Response:
        """200 where a request would be answered now; 503 where there is no champion, or no room.

        Of several apps one must be ready; `?app=NAME` asks for that one.
        """
        why = self._apps.why_not_ready(request.query.get("app"))
        if self._admission.full:
            why = dict.fromkeys(why, "too many requests under way")
        ready = not all(why.values())
        content: dict[str, Any] = {"status": "ok" if ready else "unavailable"}
        if len(why) > 1:
            content["apps"] = {name: each or "ok" for name, each in why.items()}
        elif not ready:
            content["why"] = next(iter(why.values()))
        return _json(content, 200 if ready else 503)

    async def health(self, request: web.Request) -> web.Response:
        """200 with the champion, or none where nothing has been released; 503 where the champion cannot be served.

        Of several apps each is told, and it is 503 where none can be served; `?app=NAME` asks for that one.
        """
        each = self._apps.health(request.query.get("app"))
        down = all(one["status"] != "ok" for one in each)
        content = each[0] if len(each) == 1 else {"status": "unavailable" if down else "ok", "apps": each}
        return _json(content, 503 if down else 200)

    async def metrics(self, _request: web.Request) -> web.Response:
        """What is counted, as Prometheus reads it."""
        return web.Response(body=self._apps.metrics_text(), headers={"content-type": CONTENT_TYPE})

    async def models(self, request: web.Request) -> web.Response:
        """The models there are: the apps that may be asked with the request's key, and who answers in one on trial."""
        key = self._doorkeeper.key_of(request)
        return _json({"object": "list", "data": [_model(name) for name in self._apps.shown(key)]})

    async def model(self, request: web.Request) -> web.Response:
        """One of them, by its name."""
        key, name = self._doorkeeper.key_of(request), request.match_info["name"]
        self._apps.check(name, key)
        return _json(_model(name))

    async def reload(self, request: web.Request) -> web.Response:
        """Takes up at once what the release log says of the app that `?app=NAME` names; of all apps without.

        Only from this machine, and with its key where there are keys.
        """
        self._doorkeeper.check_local(request)
        failed: LifecycleError | None = None
        for app in self._apps.named(request.query.get("app")):
            try:
                await app.keeper.reload()
            except LifecycleError as error:
                failed = error
        if failed is not None:
            raise ProtocolError(503, str(failed), "not_servable") from failed
        return await self.health(request)

    async def chat(self, request: web.Request) -> web.StreamResponse:
        """Answers a conversation."""
        return await self._asked(request, ChatRequest)

    async def responses(self, request: web.Request) -> web.StreamResponse:
        """Answers the same, asked and told as OpenAI's Responses API does."""
        return await self._asked(request, ResponsesRequest)

    async def _asked(self, request: web.Request, kind: type[ChatRequest]) -> web.StreamResponse:
        key, local = self._doorkeeper.key_of(request), self._doorkeeper.is_local(request)
        with self._admission.admitted(always=local):
            await self._doorkeeper.begin(key)
            asked = read_request(await read_body(request), kind)
            app = self._apps.of(request, asked.model, key)
            app.check(asked)
            with app.counted():
                return await self._answer(request, asked, app, _Asker(key, local))

    async def embeddings(self, request: web.Request) -> web.Response:
        """Embeds texts with the app's embedding model, which is named by its own name or by the app's."""
        key, local = self._doorkeeper.key_of(request), self._doorkeeper.is_local(request)
        with self._admission.admitted(always=local):
            await self._doorkeeper.begin(key)
            asked = read_request(await read_body(request), EmbeddingsRequest)
            app, model = self._apps.embedding(request, asked.model, key)
            texts = await texts_let_in(asked.input, app.guarding, app.metrics)
            try:
                embedded = await embed_now(texts, model.config, settings().folder())
            except LifecycleError as error:
                raise ProtocolError(502, f"the texts could not be embedded: {error}", "upstream") from error
            tokens, price = embedded.usage.input, model.price(embedded) or 0.0
            self._doorkeeper.spent(key, tokens, price)
            app.metrics.embedded(tokens, price)
            app.note_embedded(key, len(asked.input), tokens, price)
        return _json(embeddings(asked, embedded))

    async def feedback(self, request: web.Request) -> web.Response:
        """Takes what a person says of an answer, by the id of its request."""
        key = self._doorkeeper.key_of(request)
        with self._admission.admitted():
            await self._doorkeeper.begin(key)
            said = read_request(await read_body(request), VoteRequest)
            vote = Vote(said.request, said.good, said.comment, datetime.now(UTC), key.id if key else "")
            try:
                found = await self._apps.found(key, lambda app: _voted(app, vote) or None)
            except GuardError as error:
                _log.error("%s", error)
                raise ProtocolError(503, "the comment could not be checked; try again", "guard_failed") from None
            except RecordError as error:
                raise ProtocolError(503, "the vote could not be kept; try again", "not_recorded") from error
        if not found:
            message = f"no request {said.request[:80]!r} of yours was answered here"
            raise ProtocolError(404, message, "unknown_request", "request")
        return _json({"status": "ok"})

    async def _answer(
        self, request: web.Request, asked: ChatRequest, app: ServedApp, asker: "_Asker"
    ) -> web.StreamResponse:
        waits = _waits(request)
        key, (champion, placed) = asker.key, app.who_answers(asked)
        # Whoever else names a row of the production data would be measured by its reference.
        played = str((asked.metadata or {}).get("row_id") or "") if asker.local else ""
        columns = app.loaded.app.datasets.columns
        exchange = Exchange.begin(
            asked, champion, columns, app.recorder, played, key.id if key else "", placed, waits=waits
        )
        headers = {"x-lifecycle-candidate": champion.candidate, "x-lifecycle-request": exchange.id}
        form = asked.form(exchange.id)
        exchange = await let_in(exchange, app.guarding, app.metrics, headers, streamed=asked.stream)
        async with aclosing(exchange.replies(self._counting(exchange, app, key))) as replies:
            try:
                piece = await anext(replies)
            except DataError as error:
                headers |= exchange.acknowledged
                raise ProtocolError(400, str(error), "invalid_value", "metadata", headers) from error
            if exchange.fallback:
                headers["x-lifecycle-fallback"] = exchange.fallback
            if asked.stream and (isinstance(piece, str) or piece.answer.outcome is Outcome.OK):
                return await streamed(request, form, exchange.id, piece, replies, headers)
            while isinstance(piece, str):
                piece = await anext(replies)
        headers |= exchange.acknowledged
        if piece.answer.outcome is not Outcome.OK:
            raise refusal_of(piece, exchange.id, headers)
        return _json(form.whole(piece), headers=headers)

    def _counting(self, exchange: Exchange, app: ServedApp, key: Key | None) -> Callable[[Reply], None]:
        def ended(reply: Reply) -> None:
            app.metrics.answered(reply)
            for done in reply.guarded:
                app.metrics.guarded(done)
            if exchange.fallback:
                app.metrics.fell_back(exchange.fallback)
            self._doorkeeper.used(key, reply)
            if reply.answer.outcome is not Outcome.SKIPPED:
                app.copy(exchange)

        return ended


class _Asker(NamedTuple):
    """Who asks: the key, and whether it is a process of this machine."""

    key: Key | None
    local: bool


def _voted(app: ServedApp, vote: Vote) -> bool:
    """Keeps what a person says of an answer, as the guards let it in; False where the app has given no such answer."""
    return app.store.votes.add(replace(vote, comment=app.guarding.comment(vote.comment)))


def _waits(request: web.Request) -> bool:
    """Returns whether an answer is to end only once its request is on the disk."""
    said = request.headers.get(RECORD)
    if said not in (None, WAIT):
        raise ProtocolError(400, f"header {RECORD}: only {WAIT!r} is known, got {said[:40]!r}", "invalid_value")
    return said is not None


def _model(app: str) -> dict[str, Any]:
    return {"id": app, "object": "model", "created": 0, "owned_by": "lifecycle"}


def _json(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(body=orjson.dumps(content), status=status, headers=headers, content_type="application/json")
