"""A turn of a conversation that is more than a text: a model's calls of tools, or what a tool gave."""

from collections.abc import Mapping
from typing import Any

from tasks.data.row import Message


class ToolTurn(Message):
    """A message with further fields of the OpenAI protocol: `tool_calls`, or `tool_call_id`.

    It is a `Message` to whatever reads role and text, and whole where it is sent on or kept, which both take
    `_asdict()`. What makes a plain `Message` of it takes those fields from it.
    """

    fields: Mapping[str, Any]

    def __new__(cls, role: str, content: str, fields: Mapping[str, Any]) -> "ToolTurn":
        """Makes one."""
        made = super().__new__(cls, role, content)  # type: ignore[arg-type]
        made.fields = fields
        return made

    def _replace(self, **changed: Any) -> "ToolTurn":
        return ToolTurn(**{"role": self.role, "content": self.content, "fields": self.fields, **changed})

    def _asdict(self) -> dict[str, Any]:
        return {"role": self.role, "content": self.content or None, **self.fields}


def message_of(content: Mapping[str, Any]) -> Message:
    """Returns the message that `_asdict` gave."""
    fields = {key: value for key, value in content.items() if key not in ("role", "content")}
    text = content["content"] or ""
    return ToolTurn(content["role"], text, fields) if fields else Message(content["role"], text)
