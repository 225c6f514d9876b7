"""What can be asked, seen from the asking: a question with its key, and a call that answers it."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from tasks.calling.answer import Latency, Passage, Usage
from tasks.calling.limits.limiter import Limiter
from tasks.calling.spend import Most
from tasks.data.row import Message, Row
from tasks.identity import digest
from tasks.journal.journal import Kind


class Given(NamedTuple):
    """What a target gave.

    `context` is what the target itself says it drew on; `pause_s` the seconds it asks to wait before the next call.
    """

    text: str
    usage: Usage = Usage()
    latency: Latency = Latency()
    context: tuple[Passage, ...] = ()
    pause_s: float = 0.0


class Question(NamedTuple):
    """What is about to be asked.

    `key` names all that decides the answer, and nothing else. `messages` and `context` are what a model is sent;
    `payload` is what a target of the user's is given. `repeat` is that of the row. `given` is the answer, where it is
    known without asking.
    """

    key: str
    messages: tuple[Message, ...] = ()
    context: tuple[Passage, ...] = ()
    payload: dict[str, Any] = {}  # noqa: RUF012 never changed
    repeat: int = 0
    given: Given | None = None


class Target(Protocol):
    """A target as it is asked.

    `name` stands in the journal; `retries` is how many further tries a call gets.
    """

    name: str
    kind: Kind
    retries: int

    @property
    def limiter(self) -> Limiter:
        """Lets its calls start."""

    async def question(self, row: Row) -> Question:
        """Returns what a row asks. Raises DataError where it cannot be asked, CallFailure where retrieval fails."""

    async def call(self, question: Question) -> Given:
        """Asks once. Raises CallFailure."""

    def price(self, usage: Usage, *, deferred: bool = False) -> float | None:
        """Returns the US dollars of a call, of one that was deferred where it was; None where there is no price."""

    def most(self, question: Question) -> Most:
        """Returns what a call can use at most; nothing where that is not known."""

    async def aclose(self) -> None:
        """Closes what the target holds open."""


def key_of(decisive: Sequence[Any], repeat: int) -> str:
    """Returns a question's key: a digest of all that decides the answer, in which the first answer has no number."""
    return digest([*decisive, repeat] if repeat else decisive)


def as_json(payload: dict[str, Any]) -> str:
    """Returns a payload as JSON, the same for the same content; what JSON cannot hold, such as dates, as text."""
    return json.dumps(payload, ensure_ascii=False, sort_keys=True, default=str)


def payload_of(row: Row) -> dict[str, Any]:
    """Returns what a target of the user's is given: the row's columns, with `question` and `messages` in any case."""
    turns = [message._asdict() for message in row.messages]
    return {"question": row.question, "messages": turns} | row.columns
