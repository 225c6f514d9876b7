"""A served request that a person is to look at, why it was picked, and what the person said."""

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args

from tasks.calling.answer import Passage
from tasks.data.row import Message

Kind = Literal["down-voted", "flagged", "disagreed", "low score", "random"]
"""Why a request was picked: a person voted against its answer, something is wrong with it, two candidates answered it
otherwise, a metric's score is among the worst, or chance alone."""

State = Literal["pending", "accepted", "corrected", "unanswerable", "rejected"]
"""What became of a pick: nobody has looked yet; the answer is right; a person wrote the right one; the right answer is
that it is not known; it is to be no row."""

STATES: tuple[State, ...] = get_args(State)
LABELLED: tuple[State, ...] = ("accepted", "corrected", "unanswerable")
"""States in which a pick has a reference."""


class Reason(NamedTuple):
    """One reason for which a request was picked, and what it was here."""

    kind: Kind
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.kind}: {self.detail}" if self.detail else self.kind


class Review(NamedTuple):
    """What a person said of a pick.

    Attributes:
        state: what became of it; not `pending`.
        reference: the right answer, where the person wrote it.
        who: the person.
        at: when, as ISO 8601 writes it.
        origin: `terminal` or `mlflow`.
    """

    state: State
    reference: str = ""
    who: str = ""
    at: str = ""
    origin: str = "terminal"


@dataclass(frozen=True, slots=True)
class Picked:
    """A request in the queue, without personal data.

    Attributes:
        request: id of the served request.
        number: of the request in the store.
        at: when it came, as ISO 8601 writes it, in UTC.
        candidate: digest of the candidate that answered.
        row_id: row of the production dataset that was played; "" for a user's request.
        messages: the conversation.
        columns: further prompt variables that the client sent.
        answer: what was answered; "" where it failed.
        cause: why it failed.
        passages: what the answer could draw on.
        because: why it was picked.
        probability: with which chance drew it; None where it did not.
        weight: for how many of all requests it stands: one divided by its probability, and the same of each further
            request that chance drew and that asks and answers the same; 0 where chance drew none of them.
        state: what became of it.
        reference: the right answer, where a person wrote it.
        who: the person.
    """

    request: str
    number: int
    at: str
    candidate: str
    row_id: str
    messages: tuple[Message, ...]
    columns: dict[str, Any]
    answer: str
    cause: str
    passages: tuple[Passage, ...]
    because: tuple[Reason, ...]
    probability: float | None = None
    weight: float = 0.0
    state: State = "pending"
    reference: str = ""
    who: str = ""

    @property
    def question(self) -> str:
        """What was asked last."""
        return self.messages[-1].content


class PassedOver(NamedTuple):
    """A request that was picked and is not in the queue.

    Attributes:
        request: its id.
        reason: in a word or two, the same for all such requests.
        of: what it repeats.
    """

    request: str
    reason: str
    of: str
