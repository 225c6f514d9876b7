"""What a row was answered, what it cost and how long it took."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from tasks.data.row import Message


class Outcome(StrEnum):
    """What happened to a row. An instrument that failed is never a model that failed."""

    OK = "ok"
    APP_ERROR = "app_error"
    SCORER_ERROR = "scorer_error"
    SKIPPED = "skipped"


class Passage(NamedTuple):
    """A piece of a document that was put before the model."""

    id: str
    text: str
    score: float = 0.0


class Usage(NamedTuple):
    """Tokens of one call, as the endpoint counted them; 0 where it did not say."""

    input: int = 0
    output: int = 0
    cached: int = 0


class Latency(NamedTuple):
    """Seconds of one call as it was first made; an answer from the journal keeps them."""

    total: float = 0.0
    first_token: float | None = None
    per_output_token: float | None = None


class ToolCall(NamedTuple):
    """A tool that a model wants called; `arguments` as the model wrote them, which should be JSON."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one row.

    Attributes:
        row_id: the row that was asked.
        outcome: `ok`, `app_error` (the target failed) or `skipped` (the budget was used up).
        text: the answer, "" unless `ok`, and where the model only calls tools.
        cause: one line that says why it is not `ok`.
        nobodys: True where no row is to blame for that: whoever was asked does not answer, or not us.
        messages: what the model was sent; () for targets of the user's.
        context: passages that the answer could draw on.
        price: US dollars; None where the model has no price.
        attempts: tries it took when it was made.
        reused: True where the journal had it and nothing was called.
        tool_calls: tools that the model wants called, where a client has offered it any.
    """

    row_id: str
    outcome: Outcome
    text: str = ""
    cause: str = ""
    nobodys: bool = False
    messages: tuple[Message, ...] = ()
    context: tuple[Passage, ...] = ()
    usage: Usage = Usage()  # noqa: RUF009 a tuple
    latency: Latency = Latency()  # noqa: RUF009 a tuple
    price: float | None = None
    attempts: int = 0
    reused: bool = False
    tool_calls: tuple[ToolCall, ...] = ()
