"""The OpenAI chat protocol, as far as an endpoint of an application speaks it: requests, answers, errors."""

import json
import time
from collections.abc import Sequence
from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, Protocol, TypeVar

import orjson
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from configs.schema.serve import Passing
from tasks.calling.answer import Usage
from tasks.calling.passed import NOTHING, Passed
from tasks.data.row import Message
from tasks.data.tool_turn import ToolTurn
from tasks.serving.responder import Reply
from tasks.serving.tools import checked_calls, checked_choice, checked_form, checked_tools, told_calls

_ROLES = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}
_STATUS_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
    500: "server_error",
    502: "upstream_error",
    503: "unavailable_error",
}


class ProtocolError(Exception):
    """A request that gets no answer: an HTTP status and one line that says why."""

    def __init__(
        self, status: int, message: str, code: str, param: str | None = None, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers
        self.body = {
            "error": {
                "message": " ".join(message.split()),
                "type": _STATUS_TYPES.get(status, "invalid_request_error"),
                "param": param,
                "code": code,
            }
        }


class Lenient(BaseModel):
    """What a client sends; keys that are not known are left aside."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class WireMessage(Lenient):
    """A message as clients send it."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    tool_calls: Annotated[list[dict[str, Any]], AfterValidator(checked_calls)] | None = None
    tool_call_id: str | None = None
    content: str = Field(None, validate_default=True)

    @field_validator("content", mode="before")
    @classmethod
    def _text_of(cls, content: Any, info: ValidationInfo) -> Any:
        """Joins the parts of a message that is a list of parts; a message that calls tools needs no text."""
        if isinstance(content, list):
            if not all(isinstance(part, dict) and part.get("type") == "text" for part in content):
                raise ValueError("only parts of type `text` are answered")
            return "".join(str(part.get("text", "")) for part in content)
        return "" if content is None and info.data.get("tool_calls") else content

    @property
    def is_of_tools(self) -> bool:
        """Whether it calls tools, or brings what one gave."""
        return self.role == "tool" or bool(self.tool_calls)

    def turn(self) -> Message:
        """Returns it as the model is sent it."""
        if not self.is_of_tools:
            return Message(_ROLES[self.role], self.content)  # type: ignore[arg-type]
        fields = {"tool_calls": self.tool_calls} if self.tool_calls else {"tool_call_id": self.tool_call_id}
        return ToolTurn(self.role, self.content, fields)


class _StreamOptions(Lenient):
    include_usage: bool = False


class ChatRequest(Lenient):
    """A request. Temperature and the like are left out: the champion decides them."""

    id_prefix: ClassVar[str] = "chatcmpl-"

    model: str
    wire_messages: list[WireMessage] = Field(alias="messages", min_length=1)
    stream: bool = False
    stream_options: _StreamOptions | None = None
    n: Literal[1] | None = None
    tools: Annotated[list[dict[str, Any]], AfterValidator(checked_tools)] | None = None
    tool_choice: Annotated[Any, AfterValidator(checked_choice)] = None
    parallel_tool_calls: bool | None = None
    response_format: Annotated[dict[str, Any], AfterValidator(checked_form)] | None = None
    functions: None = None
    metadata: dict[str, str | int | float | bool | None] | None = None
    user: str | None = None
    safety_identifier: str | None = None

    @field_validator("wire_messages")
    @classmethod
    def _ends_with_the_user(cls, messages: list[WireMessage]) -> list[WireMessage]:
        if messages and messages[-1].role not in ("user", "tool"):
            raise ValueError("the last message must be the user's, or what a tool gave")
        if messages and not messages[_last_question(messages)].content.strip():
            raise ValueError("the user's last message must not be empty")
        if any(message.role == "tool" and not message.tool_call_id for message in messages):
            raise ValueError("a message of role `tool` must say which call it answers: `tool_call_id`")
        return messages

    @property
    def messages(self) -> tuple[Message, ...]:
        """The conversation, up to the user's last message."""
        end = _last_question(self.wire_messages) + 1
        return tuple(message.turn() for message in self.wire_messages[:end])

    @cached_property
    def passed(self) -> Passed:
        """What is to go on to the model as the client said it."""
        form = None if self.response_format == {"type": "text"} else self.response_format
        fields: dict[str, Any] = {"response_format": form} if form else {}
        if self.tools:
            given = {"tool_choice": self.tool_choice, "parallel_tool_calls": self.parallel_tool_calls}
            fields |= {"tools": self.tools, **{key: value for key, value in given.items() if value is not None}}
        turns = self.wire_messages[_last_question(self.wire_messages) + 1 :]
        return Passed(fields, tuple(message.turn() for message in turns)) if fields or turns else NOTHING

    @property
    def needs(self) -> frozenset[Passing]:
        """What of it the app must pass on."""
        passed = self.passed
        tools = "tools" in passed.fields or any(message.is_of_tools for message in self.wire_messages)
        found: dict[Passing, bool] = {"tools": tools, "response_format": "response_format" in passed.fields}
        return frozenset(name for name, needed in found.items() if needed)

    @property
    def person(self) -> str | None:
        """The client's name for the user; None where it gives none."""
        return self.safety_identifier or self.user

    @property
    def include_usage(self) -> bool:
        """Whether a stream is to end with the usage."""
        return self.stream_options is not None and self.stream_options.include_usage

    def form(self, identity: str) -> "Form":
        """Returns how it is answered."""
        return ChatForm(Head.now(identity, self.model), self.include_usage)


def _last_question(messages: Sequence[WireMessage]) -> int:
    """Returns the place of the user's last message.

    Raises:
        ValueError: there is none.
    """
    for place in range(len(messages) - 1, -1, -1):
        if messages[place].role == "user":
            return place
    raise ValueError("there must be a message of the user's")


class VoteRequest(Lenient):
    """What a person says of an answer."""

    request: str = Field(min_length=1, max_length=200)
    good: StrictBool
    comment: str = Field("", max_length=4000)


AnyRequest = TypeVar("AnyRequest", bound=Lenient)


def read_request(body: bytes, kind: type[AnyRequest]) -> AnyRequest:
    """Reads a request of a kind.

    Raises:
        ProtocolError: 400; names the key that is wrong.
    """
    try:
        content = json.loads(body)
        _check_writable(content)
        return kind.model_validate(content)
    except ValidationError as error:
        problem = error.errors()[0]
        key = ".".join(str(part) for part in problem["loc"])
        message = problem["msg"].removeprefix("Value error, ")
        raise ProtocolError(400, f"{key or 'body'}: {message}", "invalid_value", key or None) from None
    except (ValueError, RecursionError):  # also a number of more digits than Python reads
        raise ProtocolError(400, "the body is not valid JSON", "invalid_json") from None


def _check_writable(content: Any) -> None:
    """Refuses what could not go on to a model: half a character, a number of more than 64 bits, what lies too deep."""
    try:
        orjson.dumps([[content]])  # a tool lies deeper in a chat than it may come
    except TypeError as error:
        raise ProtocolError(400, f"the body cannot be passed on: {error}", "invalid_value") from None


class Head(NamedTuple):
    """What every message of one answer carries."""

    id: str
    created: int
    model: str

    @classmethod
    def now(cls, identity: str, model: str) -> "Head":
        """Returns the head of an answer that begins now."""
        return cls(identity, int(time.time()), model)


class Form(Protocol):
    """How an answer is said, whole or as the events of a stream."""

    def whole(self, reply: Reply) -> dict[str, Any]:
        """Returns a whole answer."""

    def opening(self) -> bytes:
        """Returns the first events of a stream."""

    def text(self, piece: str) -> bytes:
        """Returns the events that carry text."""

    def closing(self, reply: Reply) -> bytes:
        """Returns the last events of a stream that ended well."""

    def failed(self, error: ProtocolError) -> bytes:
        """Returns the last event of a stream that broke off."""


class ChatForm(NamedTuple):
    """Says an answer as chat completions do."""

    head: Head
    include_usage: bool

    def whole(self, reply: Reply) -> dict[str, Any]:
        """Returns a whole answer."""
        answer = reply.answer
        message: dict[str, Any] = {"role": "assistant", "content": answer.text, "refusal": None}
        if answer.tool_calls:
            message |= {"content": answer.text or None, "tool_calls": told_calls(answer.tool_calls)}
        choice = {"index": 0, "message": message, "finish_reason": reply.finish_reason, "logprobs": None}
        return {
            "object": "chat.completion",
            **self.head._asdict(),
            "choices": [choice],
            "usage": _usage(answer.usage),
        }

    def opening(self) -> bytes:
        """Returns the first event of a stream."""
        return self._chunk({"role": "assistant", "content": ""}, None)

    def text(self, piece: str) -> bytes:
        """Returns an event that carries text."""
        return self._chunk({"content": piece}, None)

    def closing(self, reply: Reply) -> bytes:
        """Returns the last events of a stream that ended well; each tool call is one of them."""
        calls = [{**call, "index": index} for index, call in enumerate(told_calls(reply.answer.tool_calls))]
        events = [self._chunk({"tool_calls": [call]}, None) for call in calls]
        events.append(self._chunk({}, reply.finish_reason))
        if self.include_usage:
            usage = _usage(reply.answer.usage)
            events.append(
                _event({"object": "chat.completion.chunk", **self.head._asdict(), "choices": [], "usage": usage})
            )
        return b"".join([*events, b"data: [DONE]\n\n"])

    def failed(self, error: ProtocolError) -> bytes:
        """Returns the last event of a stream that broke off."""
        return _event(error.body)

    def _chunk(self, delta: dict[str, Any], finish_reason: str | None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason, "logprobs": None}
        usage = {"usage": None} if self.include_usage else {}
        return _event({"object": "chat.completion.chunk", **self.head._asdict(), "choices": [choice], **usage})


def _event(content: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(content, ensure_ascii=False, separators=(',', ':'))}\n\n".encode()


def _usage(usage: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": usage.input + usage.output,
        "prompt_tokens_details": {"cached_tokens": usage.cached},
    }
