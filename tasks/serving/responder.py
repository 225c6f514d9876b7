"""What a champion answers with: the same retrieval, prompt, model and code that its evaluation used."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, aclosing
from functools import partial
from typing import Literal, NamedTuple, Protocol

from configs.errors import DataError, EndpointError, LifecycleError, MissingVariableError, ReleaseError
from configs.loading import LoadedApp
from configs.schema.model import ModelConfig
from configs.settings import settings
from tasks.calling.adapters import check_base
from tasks.calling.answer import Answer, Outcome, Usage
from tasks.calling.asked_model import asked_model
from tasks.calling.endpoint import endpoint_model
from tasks.calling.failures import CallFailure, FailureKind
from tasks.calling.http_target import HttpTarget
from tasks.calling.passed import NOTHING, Passed
from tasks.calling.preparing import Prepared, Preparer
from tasks.calling.python_target import PythonTarget
from tasks.calling.retrying import with_retries
from tasks.candidate import Candidate, LoraAdapter
from tasks.candidates import check_retrieval_unaltered
from tasks.data.row import Row
from tasks.guarding.done import Done
from tasks.identity import digest
from tasks.releasing.parts import Smoke
from tasks.retrieval.asking import finder_of
from tasks.retrieval.index import Index
from tasks.retrieval.opening import open_index
from tasks.serving.asked import AskedModel, Begun, Instead, begin
from tasks.serving.slots import NoSlotError, Slots

_EPOCH = "served"


class Reply(NamedTuple):
    """The end of an answer.

    Attributes:
        answer: all of it.
        finish_reason: why it ended: `stop`, `length`, `tool_calls`, `content_filter`.
        failure: which kind of failure it is, where it is one and that is known.
        guarded: what guards did to it.
    """

    answer: Answer
    finish_reason: str = "stop"
    failure: FailureKind | Literal["guard", "overloaded"] | None = None
    guarded: tuple[Done, ...] = ()


Told = Callable[[Prepared], None]
"""Is told what a model is sent, and the passages, once it is asked and before any text of the answer."""


class Responder(Protocol):
    """Answers rows."""

    def stream(
        self, row: Row, passed: Passed = NOTHING, told: Told | None = None
    ) -> AsyncGenerator[str | Instead | Reply]:
        """Yields text piece by piece and then, always and last, the reply; a failure is a reply that is not `ok`.

        A reply that is `skipped` was not asked for: its turn at the model did not come. Where another model answers
        than the candidate's, this is said first of all.

        Args:
            row: what is asked.
            passed: what goes on to the model as the client said it.
            told: is told what the model is sent.

        Raises:
            MissingVariableError: the row lacks a variable of the prompt; raised before any text.
            DataError: there is no model to pass anything on to; raised before any text.
        """

    def price(self, usage: Usage) -> float | None:
        """Returns what tokens of the candidate's own model cost, in US dollars; None where that is not known."""


async def answer_once(responder: Responder, row: Row) -> Smoke:
    """Asks one row to the end.

    Raises:
        EndpointError: no answer, or none of the candidate's own model.
    """
    async with aclosing(responder.stream(row)) as pieces:
        async for piece in pieces:
            if isinstance(piece, Instead):
                raise EndpointError(f"fallback {piece.model} would have answered: {piece.why}")
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
    """Prompt, model and retrieval, and who is asked where the model does not answer."""

    def __init__(self, candidate: Candidate, loaded: LoadedApp, index: Index | None) -> None:
        if candidate.model is None or candidate.parameters is None:
            raise ReleaseError(f"{candidate.app}: candidate {candidate.label} names no model")
        self._preparer = Preparer(candidate, loaded, finder_of(candidate.retrieval, index, loaded, _EPOCH))
        config: ModelConfig = asked_model(loaded.models[candidate.model], candidate.adapter)
        price = loaded.prices.get(candidate.model)
        self._own = AskedModel(candidate.model, config, candidate.parameters, price, candidate.adapter)
        self._fallback: AskedModel | None = None
        if (name := loaded.app.serve.fallback) is not None:
            self._fallback = AskedModel(name, loaded.models[name], candidate.parameters, loaded.prices.get(name))

    def price(self, usage: Usage) -> float | None:
        return self._own.price(usage)

    async def stream(
        self, row: Row, passed: Passed = NOTHING, told: Told | None = None
    ) -> AsyncGenerator[str | Instead | Reply]:
        prepared = Prepared((), ())
        try:
            prepared = await self._preparer.prepare(row)
            if prepared.answer is not None:
                yield prepared.answer
                yield Reply(_unasked(row, prepared, prepared.answer))
                return
            prepared = prepared._replace(messages=(*prepared.messages, *passed.turns))
            if told is not None:
                told(prepared)
            async with AsyncExitStack() as held:
                begun: Begun = await begin(held, self._own, self._fallback, prepared.messages, passed.fields)
                if begun.instead is not None:
                    yield begun.instead
                piece = begun.first
                while isinstance(piece, str):
                    yield piece
                    piece = await anext(begun.pieces)
        except MissingVariableError:
            raise
        except (LifecycleError, NoSlotError) as error:
            yield _failed(row, error, prepared)
            return
        answer = Answer(
            row.id,
            Outcome.OK,
            piece.text,
            messages=prepared.messages,
            context=prepared.context,
            usage=piece.usage,
            latency=piece.latency,
            price=begun.model.price(piece.usage),
            attempts=begun.attempts,
            tool_calls=piece.tool_calls,
        )
        yield Reply(answer, piece.finish_reason)


class _Called:
    """A function or a service of the user's, asked as its evaluation asked it."""

    def __init__(self, target: PythonTarget | HttpTarget, concurrency: int) -> None:
        self._target = target
        self._slots = Slots(concurrency, settings().endpoint_wait_s)

    def price(self, usage: Usage) -> float | None:
        return self._target.price(usage)

    async def stream(
        self, row: Row, passed: Passed = NOTHING, told: Told | None = None
    ) -> AsyncGenerator[str | Instead | Reply]:
        if passed is not NOTHING:
            raise DataError("the application is no model: it is passed neither tools nor a form of its answer")
        try:
            question = await self._target.question(row)
            async with self._slots:
                tried = await with_retries(partial(self._target.call, question), self._target.retries)
        except (LifecycleError, NoSlotError) as error:
            yield _failed(row, error, Prepared((), ()))
            return
        given = tried.value
        if told is not None:
            told(Prepared((), given.context))
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


def _failed(row: Row, error: LifecycleError | NoSlotError, prepared: Prepared) -> Reply:
    call = error if isinstance(error, CallFailure) else None
    answer = Answer(
        row.id,
        Outcome.APP_ERROR,
        cause=str(error),
        messages=prepared.messages,
        context=prepared.context,
        attempts=call.attempts if call else 0,
    )
    if isinstance(error, NoSlotError):
        return Reply(answer, failure="overloaded")
    return Reply(answer, failure=call.kind if call else None)


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
