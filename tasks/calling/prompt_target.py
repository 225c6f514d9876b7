"""The target `prompt`: prompt, retrieval, model and parameters of a candidate."""

import time
from typing import TYPE_CHECKING

from configs.errors import ConfigurationError
from configs.loading import LoadedApp
from tasks.calling.adapters import check_base
from tasks.calling.answer import Latency, Usage
from tasks.calling.asked_model import asked_model
from tasks.calling.chat import call_model
from tasks.calling.endpoint import api_key, endpoint_model, retries_of
from tasks.calling.limits.limiter import model_limiter
from tasks.calling.preparing import Prepared, Preparer
from tasks.calling.pricing import most, price_needed, price_of
from tasks.calling.spend import Most, Spend
from tasks.calling.targets import Given, Question, key_of
from tasks.candidate import Candidate
from tasks.data.row import Row
from tasks.journal.journal import Journal, Kind
from tasks.retrieval.asking import finder_of

if TYPE_CHECKING:
    from tasks.retrieval.index import Index


class PromptTarget:
    """A candidate's model, asked with its prompt.

    Attributes:
        preparer: makes of a row what the model is sent.

    Raises:
        ConfigurationError: the candidate's model is not configured, is no chat model, has no price, or its key is
            missing; or its adapter belongs to another base.
    """

    kind: Kind = "chat"

    def __init__(
        self,
        candidate: Candidate,
        loaded: LoadedApp,
        journal: Journal,
        epoch: str,
        spend: Spend,
        index: "Index | None",
    ) -> None:
        if candidate.model is None or candidate.parameters is None:
            raise ConfigurationError(f"app {loaded.app.name}: candidate {candidate.label} names no model to ask")
        config = loaded.models.get(candidate.model)
        if config is None or config.task != "chat":
            raise ConfigurationError(
                f"app {loaded.app.name}: candidate {candidate.label} asks {candidate.model!r}, which is no chat model "
                f"of configs/models.yaml or the app's models.yaml; define it there"
            )
        config = asked_model(config, candidate.adapter)
        self.name = candidate.model
        self.limiter = model_limiter(config, journal.path.parent)
        self.retries = retries_of(config)
        self._config = config
        self._identity = endpoint_model(candidate.model, config)
        check_base(candidate.adapter, self._identity)
        self._adapter = candidate.adapter
        self._parameters = candidate.parameters
        self._price = price_needed(loaded, candidate.model)
        api_key(config)  # a missing key shows here, not at the first row
        finder = finder_of(candidate.retrieval, index, loaded, epoch, journal, spend)
        self.preparer = Preparer(candidate, loaded, finder)
        self._epoch = epoch

    async def question(self, row: Row) -> Question:
        """Returns the messages for a row, retrieved and rendered; or the answer, where the model is not asked."""
        started = time.perf_counter()
        prepared = await self.prepare(row)
        parameters = self._parameters.of_repeat(row.repeat).model_dump(mode="json", exclude={"name"})
        adapter = [self._adapter] if self._adapter else []
        key = key_of(["chat", self._identity, prepared.messages, parameters, self._epoch, *adapter], row.repeat)
        given = None
        if prepared.answer is not None:
            given = Given(prepared.answer, latency=Latency(time.perf_counter() - started))
        return Question(key, prepared.messages, prepared.context, repeat=row.repeat, given=given)

    async def prepare(self, row: Row) -> Prepared:
        """Returns what the model is sent for a row."""
        return await self.preparer.prepare(row)

    async def call(self, question: Question) -> Given:
        """Asks the model once."""
        parameters = self._parameters.of_repeat(question.repeat)
        reply = await call_model(self._config, question.messages, parameters, adapter=self._adapter)
        return Given(reply.text, reply.usage, reply.latency, pause_s=reply.pause_s)

    def price(self, usage: Usage, *, deferred: bool = False) -> float:
        """Returns what a call costs."""
        return price_of(usage, self._price, deferred=deferred)

    def most(self, question: Question) -> Most:
        """Returns what a call can use at most."""
        texts = (message.content for message in question.messages)
        return most(texts, self._parameters.max_tokens, self._price)

    async def aclose(self) -> None:
        """Leaves the connections open: every call of this event loop shares them."""
