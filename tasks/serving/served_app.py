"""One of the apps that a server serves: all that is its own."""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from configs.errors import LifecycleError
from configs.loading import LoadedApp
from tasks.data.row import Message
from tasks.guarding.guarding import Guarding
from tasks.rollout.copying import Copies
from tasks.rollout.placing import Placed, person_of
from tasks.serving.alarm import Alarm
from tasks.serving.asking import CANDIDATE, CHAMPION
from tasks.serving.beside import Beside
from tasks.serving.champion import Champion, ChampionKeeper
from tasks.serving.embeddings import EmbeddingModel, embedding_model
from tasks.serving.exchange import Exchange
from tasks.serving.keys import Key
from tasks.serving.metrics import Metrics
from tasks.serving.protocol import ChatRequest, ProtocolError
from tasks.serving.record import RecordStore
from tasks.serving.record_file import RecordError
from tasks.serving.recording import Recorder
from tasks.serving.served import EmbeddedTexts

_log = logging.getLogger(__name__)


class Unserved(NamedTuple):
    """An app that cannot be served beside others that can."""

    name: str
    error: LifecycleError


@dataclass(slots=True)
class ServedApp:
    """An app as this process serves it.

    Attributes:
        loaded: the app.
        keeper: holds the champion.
        store: what was served.
        recorder: writes it.
        beside: works on it afterwards.
        guarding: looks at requests and answers.
        alarm: raises alerts of what is wrong with who answers.
        under_way: requests that are being answered.
        metrics: counts.
        embedding: its embedding model, None where it has none.
    """

    loaded: LoadedApp
    keeper: ChampionKeeper
    store: RecordStore
    recorder: Recorder
    beside: Beside
    guarding: Guarding
    alarm: Alarm
    under_way: int = 0
    metrics: Metrics = field(init=False)
    embedding: EmbeddingModel | None = field(init=False)
    _copies: Copies = field(default_factory=Copies)

    def __post_init__(self) -> None:
        self.embedding = embedding_model(self.loaded)
        self.metrics = Metrics(self.name, lambda: self.under_way, lambda: self.recorder.lost)

    @property
    def name(self) -> str:
        """The app's name, which is the model's to its clients."""
        return self.loaded.app.name

    async def start(self) -> None:
        """Takes up the champion and begins to record."""
        self.recorder.start()
        await asyncio.to_thread(self.guarding.prepare)
        await self.keeper.start()
        self.beside.start()
        self.alarm.start()

    async def stop(self) -> None:
        """Ends once all is on the disk, but for the copies that nobody waits for."""
        await self._copies.end()
        await self.keeper.stop()
        await asyncio.to_thread(self.alarm.stop)
        await asyncio.to_thread(self.beside.stop)
        await asyncio.to_thread(self.recorder.close)
        self.store.close()

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Counts a request as under way."""
        self.under_way += 1
        try:
            yield
        finally:
            self.under_way -= 1

    def champion(self) -> Champion:
        """Returns who answers.

        Raises:
            ProtocolError: 503; nobody does.
        """
        if self.keeper.current is None:
            reason = self.keeper.problem or f"nothing has been released yet; `lifecycle run loop --app {self.name}`"
            raise ProtocolError(503, f"no champion: {reason}", "no_champion")
        return self.keeper.current

    @property
    def names(self) -> tuple[str, ...]:
        """The names by which it may be asked: its own, and those of who answers in it."""
        who = (CHAMPION,) if self.keeper.trial is None else (CHAMPION, CANDIDATE)
        return (self.name, *(f"{self.name}{each}" for each in who))

    @property
    def shown(self) -> tuple[str, ...]:
        """Those that are told: who answers in it is of interest only while there is a choice."""
        return (self.name,) if self.keeper.trial is None else self.names

    def who_answers(self, asked: ChatRequest) -> tuple[Champion, Placed | None]:
        """Returns who answers a request, and what that says of the rollout; nothing where it names who is to answer.

        Raises:
            ProtocolError: 503; nobody does.
        """
        champion, trial = self.champion(), self.keeper.trial
        if trial is None or asked.model == f"{self.name}{CHAMPION}":
            return champion, None
        if asked.model == f"{self.name}{CANDIDATE}":
            return trial.candidate, None
        return self.keeper.who_answers(champion, person_of(asked.person, _first_said(asked.messages)))

    def copy(self, exchange: Exchange) -> None:
        """Has the candidate answer a copy of what was asked while the rollout is at copies; returns at once."""
        trial = self.keeper.trial
        if trial is not None and trial.stage == "shadow" and exchange.placed is not None:
            self._copies.send(exchange, trial, self.guarding.watch(exchange.row, whole=True))

    def check(self, asked: ChatRequest) -> None:
        """Refuses what the app does not pass on to its model.

        Raises:
            ProtocolError: 400; says what, and how it would be allowed.
        """
        refused = sorted(asked.needs - set(self.loaded.app.serve.passes))
        if not refused:
            return
        kind = self.loaded.app.target.kind
        if kind != "prompt":
            message = f"{refused[0]}: app {self.name} is a target of kind `{kind}`, which is passed none"
        else:
            message = (
                f"{refused[0]}: app {self.name} passes none on, as its champion was evaluated without; leave it out, "
                f"or name `{refused[0]}` under `serve.passes` in its app.yaml"
            )
        raise ProtocolError(400, message, "unsupported_value", refused[0])

    async def caught_up(self) -> None:
        """Waits until what was answered before can be read in the store.

        Raises:
            RecordError: it could not be written so soon.
        """
        if not await self.recorder.caught_up():
            raise RecordError(self.recorder.problem or f"{self.store.path}: is written slowly, or held by others")

    def note_embedded(self, key: Key | None, texts: int, tokens: int, price: float) -> None:
        """Records that texts were embedded, so that what a key spends a day outlives this process; returns at once."""
        self.recorder.record_soon(EmbeddedTexts(datetime.now(UTC), key.id if key else "", texts, tokens, price))

    def why_not_ready(self) -> str:
        """Returns why a request would not be answered now, "" where it would."""
        return "" if self.keeper.current is not None else self.keeper.problem or "no champion"

    def health(self) -> dict[str, Any]:
        """Returns the champion, or none where nothing has been released, and what is wrong."""
        current, keeper = self.keeper.current, self.keeper
        content: dict[str, Any] = {
            "status": "unavailable" if current is None and keeper.problem else "ok",
            "app": self.name,
            "champion": current and {"candidate": current.candidate, "version": current.version},
        }
        if (trial := keeper.trial) is not None:
            of = trial.candidate
            said = {"candidate": of.candidate, "version": of.version, "stage": trial.stage, "share": trial.share}
            content["rollout"] = said
        problems = [keeper.problem, keeper.registry_problem, keeper.trial_problem, self.recorder.problem]
        if any(problems):
            content["problems"] = [problem for problem in problems if problem]
        return content


def _first_said(messages: Sequence[Message]) -> str:
    """Returns what a conversation's user said first: a system message is the same in all of them."""
    return next((each.content for each in messages if each.role == "user"), messages[0].content)
