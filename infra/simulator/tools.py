"""Which tool a simulated model calls: the first that is offered and named in the user's last message."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from infra.simulator.answering import last_question, tokens


class Call(NamedTuple):
    """A call of a tool; `pieces` are its arguments as they are streamed."""

    id: str
    name: str
    pieces: tuple[str, ...]

    def whole(self) -> dict[str, Any]:
        """Returns it in one piece."""
        function = {"name": self.name, "arguments": "".join(self.pieces)}
        return {"id": self.id, "type": "function", "function": function}

    def deltas(self, index: int) -> list[dict[str, Any]]:
        """Returns it as a stream tells it: what is called, then the arguments piece by piece."""
        head = {**self.whole(), "index": index, "function": {"name": self.name, "arguments": ""}}
        return [head, *({"index": index, "function": {"arguments": piece}} for piece in self.pieces)]


def calls_of(body: Mapping[str, Any], messages: Sequence[Mapping[str, Any]]) -> tuple[Call, ...]:
    """Returns the tools that a request has called, each with the question as its argument `text`.

    Those that the user's last message names are called, unless `tool_choice` is `none` or a tool has just given
    something; `tool_choice` may name one, or require any.
    """
    choice = body.get("tool_choice")
    if not body.get("tools") or choice == "none" or messages[-1].get("role") == "tool":
        return ()
    question = last_question([dict(message) for message in messages])
    offered = [str(tool["function"]["name"]) for tool in body["tools"]]
    called = [name for name in offered if name in question]
    if isinstance(choice, dict):
        called = [str(choice["function"]["name"])]
    elif choice == "required":
        called = called or offered[:1]
    if body.get("parallel_tool_calls") is False:
        called = called[:1]
    arguments = tuple(tokens(orjson.dumps({"text": question}).decode()))
    return tuple(Call(f"call_{_hex(f'{name} {question}')}", name, arguments) for name in called)


def given_by_tool(messages: Sequence[Mapping[str, Any]]) -> str | None:
    """Returns what a tool has just given, None where the last message is no tool's."""
    return str(messages[-1].get("content") or "") if messages[-1].get("role") == "tool" else None


def _hex(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
