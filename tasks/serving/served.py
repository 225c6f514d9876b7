"""A request that was served: who asked what, who answered it and how, and what guards did."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from tasks.calling.answer import Answer
from tasks.data.row import Message
from tasks.guarding.done import Done
from tasks.rollout.placing import Placed


@dataclass(frozen=True, slots=True)
class Served:
    """One served request.

    Attributes:
        id: id of the request, as the client saw it; also the answer's `row_id`.
        at: when it came, in UTC.
        candidate: digest of the candidate that answered.
        version: its model version.
        row_id: row of the production dataset that was played; "" for a user's request.
        messages: the client's messages, up to the user's last.
        columns: further prompt variables that the client sent.
        answer: what came of it.
        flags: what is wrong with it (`error`, or a scorer's name); None until it has been looked at.
        key: id of the key that it was asked with; "" for none.
        placed: what it says of a rollout; None where nobody is on trial, or it was asked by name.
        passed: what went on to the model as the client said it: `tools`, `response_format`, and under `turns` what came
            after the user's last message.
        fallback: name of the model that answered instead of the candidate's; "" for the candidate's own.
        guarded: what guards did; the texts are those without what was redacted or blocked.
    """

    id: str
    at: datetime
    candidate: str
    version: int
    row_id: str
    messages: tuple[Message, ...]
    columns: dict[str, Any]
    answer: Answer
    flags: tuple[str, ...] | None = None
    key: str = ""
    placed: Placed | None = None
    passed: dict[str, Any] = field(default_factory=dict)
    fallback: str = ""
    guarded: tuple[Done, ...] = ()

    @property
    def is_candidates_answer(self) -> bool:
        """Whether it shows how the candidate answers: not where a fallback did, nor where a tool is called first."""
        return not self.fallback and not self.answer.tool_calls

    @property
    def is_blocked(self) -> bool:
        """Whether a guard kept it from whoever would have answered."""
        return any((done.side, done.action) == ("input", "block") for done in self.guarded)


class EmbeddedTexts(NamedTuple):
    """Texts that were embedded at once: when, with which key, how many, what they took; never the texts."""

    at: datetime
    key: str
    texts: int
    tokens: int
    price: float
