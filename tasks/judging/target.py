"""A judge as a target: a chat model whose question is made of a row and what was answered to it."""

import re
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from configs.schema.app import Parameters
from configs.schema.model import ModelConfig
from tasks.calling.answer import Usage
from tasks.calling.chat import call_model, request_body
from tasks.calling.endpoint import api_key, endpoint_model, retries_of
from tasks.calling.failures import CallFailure, FailureKind
from tasks.calling.limits.limiter import model_limiter
from tasks.calling.pricing import most, price_needed, price_of
from tasks.calling.spend import Most
from tasks.calling.targets import Given, Question
from tasks.data.row import Message, Row
from tasks.identity import digest
from tasks.journal.journal import Kind
from tasks.scoring.asked import Means

_REFUSAL = re.compile(r"response.?format|json.?schema|structured|grammar", re.IGNORECASE)
_formless: set[str] = set()
"""Endpoints that were found to take no `response_format`; they are not offered one again."""


class Form(Protocol):
    """How whoever is asked is to answer."""

    @property
    def response_format(self) -> dict[str, Any]:
        """The form as the OpenAI protocol takes it."""


class Repetition(NamedTuple):
    """Which asking of the same question it is.

    `repeat` counts deliberate ones, as the noise of a judge is measured by them; `attempt` is 1 where the first reply
    could not be read. Each has a seed of its own: a fixed one would hide a judge's noise.
    """

    repeat: int = 0
    attempt: int = 0

    def seeded(self, parameters: Parameters) -> Parameters:
        """Returns the parameters with this asking's seed."""
        if parameters.seed is None:
            return parameters
        return parameters.model_copy(update={"seed": parameters.seed + 2 * self.repeat + self.attempt})


class JudgeTarget:
    """A judge's model, asked about rows.

    Attributes:
        deferrable: whether its endpoint may have batch files.
        scope: names the model and the asking.

    Args:
        model: name of the model.
        parameters: with which it is asked.
        form: how it is to answer.
        messages_of: what it is sent for a row; raises DataError where its prompt cannot be filled.
        means: what asking takes.
        repetition: which asking it is.

    Raises:
        ConfigurationError: the model has no price, or its key is missing.
    """

    kind: Kind = "chat"

    def __init__(
        self,
        model: str,
        parameters: Parameters,
        form: Form,
        messages_of: Callable[[Row], tuple[Message, ...]],
        means: Means,
        repetition: Repetition,
    ) -> None:
        self._config: ModelConfig = means.loaded.models[model]
        self.name = model
        self.limiter = model_limiter(self._config, means.journal.path.parent)
        self.retries = retries_of(self._config)
        self._identity = endpoint_model(model, self._config)
        self._parameters = repetition.seeded(parameters)
        self._form = form.response_format
        self._messages_of = messages_of
        self._price = price_needed(means.loaded, model)
        self._rest = [repetition, means.epoch]
        self.deferrable = self._config.kind == "openai"
        self.scope = digest(["judge", self._identity, *self._rest])
        api_key(self._config)  # a missing key shows here, not at the first row

    async def question(self, row: Row) -> Question:
        """Returns the judge's prompt, filled with a row and what was answered to it."""
        messages = self._messages_of(row)
        parameters = self._parameters.model_dump(mode="json", exclude={"name"})
        return Question(digest(["judge", self._identity, messages, parameters, self._form, *self._rest]), messages)

    async def call(self, question: Question) -> Given:
        """Asks the model once; an endpoint that refuses the form is asked without it, and the prompt asks for JSON."""
        if self._identity not in _formless:
            try:
                reply = await call_model(self._config, question.messages, self._parameters, self._form)
                return Given(reply.text, reply.usage, reply.latency, pause_s=reply.pause_s)
            except CallFailure as failure:
                if not self.takes_no_form(failure.kind, str(failure)):
                    raise
        reply = await call_model(self._config, question.messages, self._parameters)
        return Given(reply.text, reply.usage, reply.latency, pause_s=reply.pause_s)

    def body(self, question: Question) -> dict[str, Any]:
        """Returns the request that asks a question, with the form unless the endpoint was found to take none."""
        form = None if self._identity in _formless else self._form
        return request_body(self._config, question.messages, self._parameters, stream=False, response_format=form)

    def takes_no_form(self, kind: str, cause: str) -> bool:
        """Returns whether a failure says that the endpoint takes no form; then it is not offered one again."""
        if kind != FailureKind.REJECTED or not _REFUSAL.search(cause):
            return False
        _formless.add(self._identity)
        return True

    def price(self, usage: Usage, *, deferred: bool = False) -> float:
        """Returns what a call costs."""
        return price_of(usage, self._price, deferred=deferred)

    def most(self, question: Question) -> Most:
        """Returns what a call can use at most."""
        texts = (message.content for message in question.messages)
        return most(texts, self._parameters.max_tokens, self._price)

    async def aclose(self) -> None:
        """Leaves the connections open: every call of this event loop shares them."""
