"""What a judge answers: JSON with a reason first and a verdict after it, asked for as such and read strictly."""

import json
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from configs.errors import EndpointError

_CODE_BLOCK = re.compile(r"\s*```(?:json)?\s*\n(.*?)\n?\s*```\s*", re.DOTALL | re.IGNORECASE)


class UnreadableReplyError(EndpointError):
    """A judge that answered something else than it was asked for: the instrument failed, not what it rates."""


class ReplyForm(NamedTuple):
    """How a judge answers: `{"reason": …, KEY: one of the choices}`.

    The reason comes first: a model that has written it down gives its verdict on it, not the other way round.
    """

    key: str
    choices: tuple[int, ...] | tuple[str, ...]
    meaning: str
    """What the choice says, in words."""

    @property
    def response_format(self) -> dict[str, Any]:
        """The form as the OpenAI protocol takes it."""
        kind = "integer" if isinstance(self.choices[0], int) else "string"
        schema = {
            "type": "object",
            "properties": {"reason": {"type": "string"}, self.key: {"type": kind, "enum": list(self.choices)}},
            "required": ["reason", self.key],
            "additionalProperties": False,
        }
        return {"type": "json_schema", "json_schema": {"name": "rating", "strict": True, "schema": schema}}

    @property
    def in_words(self) -> str:
        """The form in words: it stands in every prompt, for endpoints that take no form and models that forget it."""
        return (
            f"Answer with one JSON object and nothing else: first `reason`, one or two short sentences that name what "
            f"in the material decided, then `{self.key}`, {self.meaning}."
        )


def score_form(low: int, high: int) -> ReplyForm:
    """Returns the form of a score on a scale of whole numbers."""
    return ReplyForm("score", tuple(range(low, high + 1)), f"a whole number from {low} to {high}")


class Reply(NamedTuple):
    """What a judge said, and why."""

    choice: int | str
    reason: str


def read_reply(text: str, form: ReplyForm) -> Reply:
    """Returns what a judge said. Around the JSON only blanks and one Markdown code block are allowed.

    Raises:
        UnreadableReplyError: it is prose, half a JSON, lacks a key, has others, or its choice is none of the form's.
    """
    block = _CODE_BLOCK.fullmatch(text)
    try:
        found = json.loads(block[1] if block else text, object_pairs_hook=_once)
    except ValueError:
        raise UnreadableReplyError(f"the judge answered no JSON object: {_shown(text)}") from None
    if not isinstance(found, dict) or found.keys() != {"reason", form.key}:
        raise UnreadableReplyError(f"the judge answered JSON without exactly reason and {form.key}: {_shown(text)}")
    choice, reason = found[form.key], found["reason"]
    if not isinstance(reason, str):
        raise UnreadableReplyError(f"the judge's reason is no text: {_shown(text)}")
    if not _is_one_of(choice, form.choices):
        raise UnreadableReplyError(f"the judge's {form.key} is {_shown(json.dumps(choice))}, not {form.meaning}")
    return Reply(int(choice) if isinstance(choice, float) else choice, " ".join(reason.split()))


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuses a key that stands twice: which of two scores was meant cannot be known."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice")
    return found


def _is_one_of(choice: Any, choices: Sequence[int | str]) -> bool:
    if isinstance(choice, bool):
        return False
    return isinstance(choice, int | float | str) and choice in choices


def _shown(text: str) -> str:
    line = " ".join(text.split())
    return repr(line if len(line) <= 80 else line[:79] + "…")
