"""OpenAI's Responses API, as far as an endpoint of an application speaks it: a chat, asked and told otherwise.

A request becomes the chat request that asks the same, so that everything behind it is one.
"""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from pydantic import Field, model_validator

from tasks.calling.answer import ToolCall, Usage
from tasks.data.row import Message
from tasks.serving.protocol import ChatRequest, ProtocolError, WireMessage
from tasks.serving.responder import Reply

_NOT_HERE = {
    "previous_response_id": "no conversation is kept here; send its turns in `input`",
    "conversation": "no conversation is kept here; send its turns in `input`",
    "background": "an answer is waited for here; leave it out",
    "prompt": "the prompt is the champion's; leave it out",
}
_TEXT_PARTS = ("input_text", "output_text", "text")
_INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}


class ResponsesRequest(ChatRequest):
    """A request, as the chat request that it means; `given` is what its answer repeats."""

    id_prefix: ClassVar[str] = "resp_"

    wire_messages: list[WireMessage] = Field(alias="input", min_length=1)
    instructions: str | None = None
    given: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _as_chat(cls, content: Any) -> Any:
        return _chat(content) if isinstance(content, dict) else content

    @property
    def messages(self) -> tuple[Message, ...]:
        """The conversation, up to the user's last message; the instructions are a system message before it."""
        instructions = (Message("system", self.instructions),) if self.instructions else ()
        return (*instructions, *super().messages)

    def form(self, identity: str) -> "ResponsesForm":
        """Returns how it is answered."""
        return ResponsesForm(identity, self.model, self.given)


class ResponsesForm:
    """Says an answer as the Responses API does.

    Args:
        identity: id of the request.
        model: name that was asked.
        given: what of the request its answer repeats.
    """

    def __init__(self, identity: str, model: str, given: Mapping[str, Any]) -> None:
        self._head = {"id": identity, "object": "response", "created_at": int(time.time()), "model": model}
        self._given = given
        self._message = f"msg_{identity.removeprefix(ResponsesRequest.id_prefix)}"
        self._events = 0
        self._texted = False

    def whole(self, reply: Reply) -> dict[str, Any]:
        """Returns a whole answer."""
        reason = _INCOMPLETE.get(reply.finish_reason)
        return {
            **self._begun("incomplete" if reason else "completed"),
            "output": self._output(reply, "incomplete" if reason else "completed"),
            "incomplete_details": {"reason": reason} if reason else None,
            "usage": _usage(reply.answer.usage),
        }

    def opening(self) -> bytes:
        """Returns the first events of a stream."""
        begun = self._begun("in_progress")
        return self._event("response.created", response=begun) + self._event("response.in_progress", response=begun)

    def text(self, piece: str) -> bytes:
        """Returns the events that carry text."""
        before = b"" if self._texted else self._text_opening()
        return before + self._event("response.output_text.delta", **self._of_text(), delta=piece, logprobs=[])

    def closing(self, reply: Reply) -> bytes:
        """Returns the last events of a stream that ended well; each tool call is whole in them."""
        whole = self.whole(reply)
        events = []
        for index, item in enumerate(whole["output"]):
            if item["type"] == "message":
                events += [b"" if self._texted else self._text_opening(), *self._text_closing(item)]
            else:
                events += self._call(index, item)
        return b"".join([*events, self._event(f"response.{whole['status']}", response=whole)])

    def failed(self, error: ProtocolError) -> bytes:
        """Returns the last event of a stream that broke off."""
        told = {"code": "server_error", "message": error.body["error"]["message"]}
        return self._event("response.failed", response={**self._begun("failed"), "error": told})

    def _begun(self, status: str) -> dict[str, Any]:
        return {
            **self._head,
            "status": status,
            "output": [],
            "error": None,
            "incomplete_details": None,
            "usage": None,
            "previous_response_id": None,
            "store": False,
            "parallel_tool_calls": True,
            "tool_choice": "auto",
            "tools": [],
            "temperature": None,
            "top_p": None,
            **self._given,
        }

    def _output(self, reply: Reply, status: str) -> list[dict[str, Any]]:
        answer = reply.answer
        calls = [_told_call(call) for call in answer.tool_calls]
        if not answer.text and calls:
            return calls
        part = {"type": "output_text", "text": answer.text, "annotations": [], "logprobs": []}
        return [self._item(status, [part]), *calls]

    def _item(self, status: str, content: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "id": self._message,
            "type": "message",
            "role": "assistant",
            "status": status,
            "content": content,
        }

    def _text_opening(self) -> bytes:
        self._texted = True
        part = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
        added = self._event("response.output_item.added", output_index=0, item=self._item("in_progress", []))
        return added + self._event("response.content_part.added", **self._of_text(), part=part)

    def _text_closing(self, item: dict[str, Any]) -> list[bytes]:
        (part,) = item["content"]
        return [
            self._event("response.output_text.done", **self._of_text(), text=part["text"], logprobs=[]),
            self._event("response.content_part.done", **self._of_text(), part=part),
            self._event("response.output_item.done", output_index=0, item=item),
        ]

    def _call(self, index: int, item: dict[str, Any]) -> list[bytes]:
        place = {"item_id": item["id"], "output_index": index}
        begun = {**item, "arguments": "", "status": "in_progress"}
        return [
            self._event("response.output_item.added", output_index=index, item=begun),
            self._event("response.function_call_arguments.delta", **place, delta=item["arguments"]),
            self._event(
                "response.function_call_arguments.done", **place, name=item["name"], arguments=item["arguments"]
            ),
            self._event("response.output_item.done", output_index=index, item=item),
        ]

    def _of_text(self) -> dict[str, Any]:
        return {"item_id": self._message, "output_index": 0, "content_index": 0}

    def _event(self, kind: str, **content: Any) -> bytes:
        told = {"type": kind, "sequence_number": self._events, **content}
        self._events += 1
        return f"event: {kind}\ndata: {json.dumps(told, ensure_ascii=False, separators=(',', ':'))}\n\n".encode()


def _told_call(call: ToolCall) -> dict[str, Any]:
    return {
        "id": f"fc_{call.id}",
        "type": "function_call",
        "call_id": call.id,
        "name": call.name,
        "arguments": call.arguments,
        "status": "completed",
    }


def _usage(usage: Usage) -> dict[str, Any]:
    return {
        "input_tokens": usage.input,
        "input_tokens_details": {"cached_tokens": usage.cached, "cache_write_tokens": 0},
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": usage.input + usage.output,
    }


def _chat(content: dict[str, Any]) -> dict[str, Any]:
    """Returns the chat request that means the same, its messages under `input`."""
    for key, why in _NOT_HERE.items():
        if content.get(key):
            raise _wrong(key, why)
    kept = ("model", "instructions", "stream", "metadata", "parallel_tool_calls", "user", "safety_identifier")
    chat = {key: content[key] for key in kept if key in content}
    chat["input"] = _messages(content.get("input"))
    if content.get("tools"):
        chat["tools"] = [_tool(tool, position) for position, tool in enumerate(_list(content["tools"], "tools"))]
        choice = content.get("tool_choice")
        if isinstance(choice, dict) and choice.get("type") == "function":
            choice = {"type": "function", "function": {"name": choice.get("name")}}
        chat["tool_choice"] = choice
    text = content.get("text")
    form = text.get("format") if isinstance(text, dict) else None
    if isinstance(form, dict):
        beside = {key: value for key, value in form.items() if key != "type"}
        of_schema = form.get("type") == "json_schema"
        chat["response_format"] = {"type": "json_schema", "json_schema": beside} if of_schema else form
    repeated = ("instructions", "metadata", "tools", "tool_choice", "parallel_tool_calls", "text")
    chat["given"] = {key: content[key] for key in repeated if content.get(key) is not None}
    return chat


def _messages(given: Any) -> list[dict[str, Any]]:
    """Returns the turns of `input`."""
    if isinstance(given, str):
        return [{"role": "user", "content": given}]
    messages: list[dict[str, Any]] = []
    for position, item in enumerate(_list(given, "input")):
        where = f"input.{position}"
        kind = item.get("type") or "message" if isinstance(item, dict) else None
        if not isinstance(kind, str) or kind not in _TURNS:
            raise _wrong(where, f"an item of type {', '.join(_TURNS)}")
        turn = _TURNS[kind](item, where)
        follows = messages and messages[-1].get("tool_calls") and turn.get("tool_calls")
        if follows:  # a chat has the calls of one answer in one message
            messages[-1]["tool_calls"] += turn["tool_calls"]
        else:
            messages.append(turn)
    return messages


def _said(item: dict[str, Any], where: str) -> dict[str, Any]:
    return {"role": item.get("role"), "content": _text(item.get("content"), f"{where}.content")}


def _called(item: dict[str, Any], _where: str) -> dict[str, Any]:
    function = {"name": item.get("name"), "arguments": str(item.get("arguments") or "")}
    call = {"id": item.get("call_id"), "type": "function", "function": function}
    return {"role": "assistant", "content": None, "tool_calls": [call]}


def _given(item: dict[str, Any], where: str) -> dict[str, Any]:
    return {
        "role": "tool",
        "tool_call_id": item.get("call_id"),
        "content": _text(item.get("output"), f"{where}.output"),
    }


_TURNS: dict[str, Callable[[dict[str, Any], str], dict[str, Any]]] = {
    "message": _said,
    "function_call": _called,
    "function_call_output": _given,
}


def _text(content: Any, where: str) -> Any:
    if not isinstance(content, list):
        return content
    if not all(isinstance(part, dict) and part.get("type") in _TEXT_PARTS for part in content):
        raise _wrong(where, "only parts of text are answered")
    return "".join(str(part.get("text", "")) for part in content)


def _tool(tool: Any, position: int) -> dict[str, Any]:
    if not isinstance(tool, dict) or tool.get("type") != "function":
        raise _wrong("tools", f"tool {position}: only tools of type `function` are passed on")
    return {"type": "function", "function": {key: value for key, value in tool.items() if key != "type"}}


def _list(given: Any, where: str) -> list[Any]:
    if not isinstance(given, list):
        raise _wrong(where, "a text or a list" if where == "input" else "a list")
    return given


def _wrong(key: str, why: str) -> ProtocolError:
    return ProtocolError(400, f"{key}: {why}", "invalid_value", key)
