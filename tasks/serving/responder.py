"""What a champion answers with: the same retrieval, prompt, model and code that its evaluation used."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial
from typing import NamedTuple, Protocol

from configs.errors import DataError, EndpointError, ReleaseError
from configs.loading import LoadedApp
from configs.schema.model import ModelConfig
from configs.settings import settings
from tasks.calling.adapters import check_base
from tasks.calling.answer import Answer, Outcome
from tasks.calling.asked_model import asked_model
from tasks.calling.chat import Reply as ModelReply
from tasks.calling.chat import stream_model
from tasks.calling.endpoint import api_key, endpoint_model, retries_of
from tasks.calling.failures import CallFailure
from tasks.calling.http_target import HttpTarget
from tasks.calling.limits.limiter import MOST_AT_ONCE
from tasks.calling.preparing import Prepared, Preparer
from tasks.calling.pricing import price_of
from tasks.calling.python_target import PythonTarget
from tasks.calling.retrying import with_retries
from tasks.calling.targets import Question
from tasks.candidate import Candidate, LoraAdapter
from tasks.candidates import check_retrieval_unaltered
from tasks.data.row import Row
from tasks.identity import digest
from tasks.releasing.parts import Smoke
from tasks.retrieval.asking import finder_of
from tasks.retrieval.index import Index
from tasks.retrieval.opening import open_index

_EPOCH = "served"


class Reply(NamedTuple):
    """The end of an answer: all of it, and why it ended (`stop`, `length`)."""

    answer: Answer
    finish_reason: str = "stop"


class Responder(Protocol):
    """Answers rows."""

    def stream(self, row: Row) -> AsyncGenerator[str | Reply]:
        """Yields text piece by piece and then, always and last, the reply; a failure is a reply that is not `ok`.

        Raises:
            DataError: the row lacks a variable of the prompt; raised before any text.
        """


async def answer_once(responder: Responder, row: Row) -> Smoke:
    """Asks one row to the end.

    Raises:
        EndpointError: no answer.
    """
    async with aclosing(responder.stream(row)) as pieces:
        async for piece in pieces:
            if isinstance(piece, Reply) and piece.answer.outcome is Outcome.OK:
                return Smoke(row.question, piece.answer.text, "process")
            if isinstance(piece, Reply):
                raise EndpointError(piece.answer.cause)
    raise AssertionError("unreachable: a stream ends with a reply")


async def open_responder(candidate: Candidate, loaded: LoadedApp) -> Responder:
    """Makes a candidate ready to answer.

    Raises:
        ReleaseError: it cannot be served, or would answer with something else than what was evaluated.
        LifecycleError: its index, its file or its key is missing.
    """
    await asyncio.to_thread(_check_unchanged, candidate, loaded)
    target = candidate.target
    if target.kind == "python":
        return _Called(await asyncio.to_thread(PythonTarget, target, loaded, _EPOCH), target.concurrency)
    if target.kind == "http":
        return _Called(HttpTarget(target, loaded, _EPOCH, settings().folder()), target.concurrency)
    if target.kind == "answers":
        raise ReleaseError(f"{candidate.app}: answers that already exist cannot be served; there is nothing to ask")
    index = None
    if candidate.retrieval is not None:
        index = await asyncio.to_thread(_opened, candidate.retrieval.index, loaded)
    if isinstance(candidate.adapter, LoraAdapter) and candidate.model is not None:
        await asyncio.to_thread(_hold, candidate.adapter, loaded.models[candidate.model], candidate.app)
    return _Prompted(candidate, loaded, index)


class _Prompted:
    """Prompt, model and retrieval."""

    def __init__(self, candidate: Candidate, loaded: LoadedApp, index: Index | None) -> None:
        if candidate.model is None or candidate.parameters is None:
            raise ReleaseError(f"{candidate.app}: candidate {candidate.label} names no model")
        self._preparer = Preparer(candidate, loaded, finder_of(candidate.retrieval, index, loaded, _EPOCH))
        self._model: ModelConfig = asked_model(loaded.models[candidate.model], candidate.adapter)
        self._parameters = candidate.parameters
        self._adapter = candidate.adapter
        self._price = loaded.prices.get(candidate.model)
        self._slots = asyncio.Semaphore(self._model.concurrency or MOST_AT_ONCE)
        api_key(self._model)  # a missing key shows here, not at the first request

    async def stream(self, row: Row) -> AsyncGenerator[str | Reply]:
        prepared = Prepared((), ())
        try:
            prepared = await self._preparer.prepare(row)
            if prepared.answer is not None:
                yield prepared.answer
                yield Reply(_unasked(row, prepared, prepared.answer))
                return
            async with self._slots:
                tried = await with_retries(partial(self._begin, prepared), retries_of(self._model))
                piece, pieces = tried.value
                async with aclosing(pieces):
                    while isinstance(piece, str):
                        yield piece
                        piece = await anext(pieces)
        except CallFailure as failure:
            yield Reply(_failed(row, failure, prepared))
            return
        answer = Answer(
            row.id,
            Outcome.OK,
            piece.text,
            messages=prepared.messages,
            context=prepared.context,
            usage=piece.usage,
            latency=piece.latency,
            price=price_of(piece.usage, self._price) if self._price else None,
            attempts=tried.attempts,
        )
        yield Reply(answer, piece.finish_reason)

    async def _begin(self, prepared: Prepared) -> tuple[str | ModelReply, AsyncGenerator[str | ModelReply]]:
        """Waits for the first piece: until it is there, a call that failed may be tried again."""
        pieces = stream_model(self._model, prepared.messages, self._parameters, self._adapter)
        return await anext(pieces), pieces


class _Called:
    """A function or a service of the user's, asked as its evaluation asked it."""

    def __init__(self, target: PythonTarget | HttpTarget, concurrency: int) -> None:
        self._target = target
        self._slots = asyncio.Semaphore(concurrency)

    async def stream(self, row: Row) -> AsyncGenerator[str | Reply]:
        question = await self._target.question(row)
        try:
            async with self._slots:
                tried = await with_retries(partial(self._target.call, question), self._target.retries)
        except CallFailure as failure:
            yield Reply(_failed(row, failure, question))
            return
        given = tried.value
        yield given.text
        answer = Answer(
            row.id,
            Outcome.OK,
            given.text,
            context=given.context,
            usage=given.usage,
            latency=given.latency,
            price=self._target.price(given.usage),
            attempts=tried.attempts,
        )
        yield Reply(answer)


def _opened(index: str, loaded: LoadedApp) -> Index:
    folder, retrieval = settings().folder("indexes"), loaded.app.retrieval
    return open_index(folder, index, retrieval.store) if retrieval else open_index(folder, index)


def _unasked(row: Row, prepared: Prepared, text: str) -> Answer:
    return Answer(row.id, Outcome.OK, text, messages=prepared.messages, context=prepared.context, price=0.0)


def _hold(adapter: LoraAdapter, model: ModelConfig, app: str) -> None:
    """Has the embedded server hold what a champion answers with; another endpoint holds it by its own configuration."""
    if model.kind == "embedded":
        from infra.stack.adapters import serve_adapter

        serve_adapter(adapter, champion_of=app)


def _failed(row: Row, failure: CallFailure, asked: Prepared | Question) -> Answer:
    return Answer(
        row.id,
        Outcome.APP_ERROR,
        cause=str(failure),
        messages=asked.messages,
        context=asked.context,
        attempts=failure.attempts,
    )


def _check_unchanged(candidate: Candidate, loaded: LoadedApp) -> None:
    """Refuses a candidate whose model or code is not what it was when it was evaluated."""
    if candidate.model is not None:
        if candidate.model not in loaded.models:
            raise ReleaseError(f"{candidate.app}: model {candidate.model!r} is no longer configured; configure it")
        now = endpoint_model(candidate.model, loaded.models[candidate.model])
        if now != candidate.endpoint_model:
            raise ReleaseError(
                f"{candidate.app}: model {candidate.model!r} now stands for {now}, the candidate was evaluated with "
                f"{candidate.endpoint_model}; restore the configuration or release a new candidate"
            )
        check_base(candidate.adapter, now)
    check_retrieval_unaltered(loaded, candidate)
    if candidate.target.kind == "python" and candidate.code is not None:
        path = loaded.path(candidate.target.callable.partition(":")[0])
        try:
            now = digest(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(f"{path}: cannot be read: {error}") from None
        if now != candidate.code:
            raise ReleaseError(
                f"{candidate.app}: {path} has changed since the candidate was evaluated; "
                f"restore it or release a new candidate"
            )
