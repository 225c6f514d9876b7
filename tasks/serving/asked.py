"""The models that are asked for an answer: the candidate's own and, where that gives nothing, the app's fallback."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import Any, NamedTuple

from configs.schema.app import Parameters
from configs.schema.model import ModelConfig, Price
from configs.settings import settings
from tasks.calling.answer import Usage
from tasks.calling.chat import Reply as ModelReply
from tasks.calling.chat import stream_model
from tasks.calling.endpoint import api_key, retries_of
from tasks.calling.failures import CallFailure, FailureKind
from tasks.calling.limits.limiter import MOST_AT_ONCE
from tasks.calling.pricing import price_of
from tasks.calling.retrying import with_retries
from tasks.candidate import Adapter
from tasks.data.row import Message
from tasks.serving.slots import Slots

_OF_THE_QUESTION = (FailureKind.TOO_LONG, FailureKind.REJECTED)
"""Failures that say that the question cannot be asked so, whoever is asked."""


class Instead(NamedTuple):
    """Another model answers than the candidate's: its name, and why."""

    model: str
    why: str


class AskedModel:
    """One model with its parameters, and the slots that there are for it.

    Attributes:
        name: in the configuration.

    Raises:
        ConfigurationError: the environment variable that should hold its key is not set.
    """

    def __init__(
        self,
        name: str,
        config: ModelConfig,
        parameters: Parameters,
        price: Price | None,
        adapter: Adapter | None = None,
    ) -> None:
        self.name = name
        self._config, self._parameters, self._price, self._adapter = config, parameters, price, adapter
        self._slots = Slots(config.concurrency or MOST_AT_ONCE, settings().endpoint_wait_s)
        api_key(config)  # a missing key shows here, not at the first request

    @property
    def full(self) -> bool:
        """Whether the next call would wait for a slot."""
        return self._slots.full

    def price(self, usage: Usage) -> float | None:
        """Returns what an answer costs, None where the model has no price."""
        return price_of(usage, self._price) if self._price else None

    async def begin(self, held: AsyncExitStack, messages: Sequence[Message], fields: Mapping[str, Any]) -> "Begun":
        """Waits for the first piece of an answer: until it is there, a call that failed may be tried again.

        Args:
            held: closes the call and gives its slot back.
            messages: what the model is sent.
            fields: further fields of the request.

        Raises:
            CallFailure: of the last try; nothing is held then.
            NoSlotError: no slot came free in time.
        """
        async with AsyncExitStack() as mine:
            await mine.enter_async_context(self._slots)
            tried = await with_retries(partial(self._begin, messages, fields), retries_of(self._config))
            first, pieces = tried.value
            mine.push_async_callback(pieces.aclose)
            await held.enter_async_context(mine.pop_all())
        return Begun(self, first, pieces, tried.attempts)

    async def _begin(
        self, messages: Sequence[Message], fields: Mapping[str, Any]
    ) -> tuple[str | ModelReply, AsyncGenerator[str | ModelReply]]:
        pieces = stream_model(self._config, messages, self._parameters, self._adapter, fields)
        return await anext(pieces), pieces


class Begun(NamedTuple):
    """An answer that has begun: who gives it, its first piece and the others, after how many tries.

    `instead` is there where it is not the candidate's own model that gives it.
    """

    model: AskedModel
    first: str | ModelReply
    pieces: AsyncGenerator[str | ModelReply]
    attempts: int
    instead: Instead | None = None


async def begin(
    held: AsyncExitStack,
    own: AskedModel,
    fallback: AskedModel | None,
    messages: Sequence[Message],
    fields: Mapping[str, Any],
) -> Begun:
    """Begins an answer of the candidate's own model, or of the fallback.

    The fallback is asked where the own model has no free slot, or has failed in all its tries and not for what it was
    asked. Once a piece of an answer is there, it is not left for another.

    Raises:
        CallFailure: nobody answers; says what became of both.
        NoSlotError: nobody has a slot in time.
    """
    if fallback is None:
        return await own.begin(held, messages, fields)
    why, attempts = f"{own.name} has no free slot", 0
    if not own.full:
        try:
            return await own.begin(held, messages, fields)
        except CallFailure as failure:
            if failure.kind in _OF_THE_QUESTION:
                raise
            why, attempts = str(failure), failure.attempts
    try:
        begun = await fallback.begin(held, messages, fields)
    except CallFailure as failure:
        both = CallFailure(failure.kind, f"{why}; fallback: {failure}", failure.retry_after)
        both.attempts = attempts + failure.attempts
        raise both from None
    return begun._replace(attempts=attempts + begun.attempts, instead=Instead(fallback.name, why))
