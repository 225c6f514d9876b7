"""The OpenAI chat protocol, as far as an endpoint of an application speaks it: requests, answers, errors."""

import json
import time
from collections.abc import Iterator
from typing import Annotated, Any, Literal, NamedTuple, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, ValidationError, field_validator

from tasks.calling.answer import Usage
from tasks.data.row import Message

_ROLES = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}
_STATUS_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
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


class _Lenient(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


def _text_of(content: Any) -> Any:
    """Joins the parts of a message that is a list of parts; everything else is left as it is."""
    if not isinstance(content, list):
        return content
    if not all(isinstance(part, dict) and part.get("type") == "text" for part in content):
        raise ValueError("only parts of type `text` are answered")
    return "".join(str(part.get("text", "")) for part in content)


class _Message(_Lenient):
    role: Literal["system", "developer", "user", "assistant"]
    content: Annotated[str, BeforeValidator(_text_of)]


class _StreamOptions(_Lenient):
    include_usage: bool = False


class ChatRequest(_Lenient):
    """A request. Temperature and the like are left out: the champion decides them."""

    model: str
    wire_messages: list[_Message] = Field(alias="messages", min_length=1)
    stream: bool = False
    stream_options: _StreamOptions | None = None
    n: Literal[1] | None = None
    tools: None = None
    functions: None = None
    metadata: dict[str, str | int | float | bool | None] | None = None

    @field_validator("wire_messages")
    @classmethod
    def _ends_with_the_user(cls, messages: list[_Message]) -> list[_Message]:
        if messages and (messages[-1].role != "user" or not messages[-1].content.strip()):
            raise ValueError("the last message must be the user's and must not be empty")
        return messages

    @property
    def messages(self) -> tuple[Message, ...]:
        """The conversation."""
        return tuple(Message(_ROLES[message.role], message.content) for message in self.wire_messages)  # type: ignore[arg-type]

    @property
    def include_usage(self) -> bool:
        """Whether a stream is to end with the usage."""
        return self.stream_options is not None and self.stream_options.include_usage


class VoteRequest(_Lenient):
    """What a person says of an answer."""

    request: str = Field(min_length=1, max_length=200)
    good: StrictBool
    comment: str = Field("", max_length=4000)


AnyRequest = TypeVar("AnyRequest", bound=_Lenient)


def read_request(body: bytes, kind: type[AnyRequest]) -> AnyRequest:
    """Reads a request of a kind.

    Raises:
        ProtocolError: 400; names the key that is wrong.
    """
    try:
        content = json.loads(body)
        json.dumps(content, ensure_ascii=False).encode()
        return kind.model_validate(content)
    except UnicodeEncodeError:
        raise ProtocolError(400, "the body holds half a character (a lone surrogate)", "invalid_value") from None
    except ValidationError as error:
        problem = error.errors()[0]
        key = ".".join(str(part) for part in problem["loc"])
        message = problem["msg"].removeprefix("Value error, ")
        raise ProtocolError(400, f"{key or 'body'}: {message}", "invalid_value", key or None) from None
    except (ValueError, RecursionError):  # also a number of more digits than Python reads
        raise ProtocolError(400, "the body is not valid JSON", "invalid_json") from None


class Head(NamedTuple):
    """What every message of one answer carries."""

    id: str
    created: int
    model: str

    @classmethod
    def now(cls, identity: str, model: str) -> "Head":
        """Returns the head of an answer that begins now."""
        return cls(identity, int(time.time()), model)


def completion(head: Head, text: str, finish_reason: str, usage: Usage) -> dict[str, Any]:
    """Returns a whole answer."""
    message = {"role": "assistant", "content": text, "refusal": None}
    choice = {"index": 0, "message": message, "finish_reason": finish_reason, "logprobs": None}
    return {"object": "chat.completion", **head._asdict(), "choices": [choice], "usage": _usage(usage)}


def opening_chunk(head: Head, include_usage: bool) -> bytes:
    """Returns the first event of a stream."""
    return _chunk(head, {"role": "assistant", "content": ""}, None, include_usage)


def text_chunk(head: Head, text: str, include_usage: bool) -> bytes:
    """Returns an event that carries text."""
    return _chunk(head, {"content": text}, None, include_usage)


def closing_chunks(head: Head, finish_reason: str, usage: Usage, include_usage: bool) -> Iterator[bytes]:
    """Yields the last events of a stream that ended well."""
    yield _chunk(head, {}, finish_reason, include_usage)
    if include_usage:
        yield _event({"object": "chat.completion.chunk", **head._asdict(), "choices": [], "usage": _usage(usage)})
    yield b"data: [DONE]\n\n"


def error_chunk(error: ProtocolError) -> bytes:
    """Returns the last event of a stream that broke off."""
    return _event(error.body)


def _chunk(head: Head, delta: dict[str, str], finish_reason: str | None, include_usage: bool) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason, "logprobs": None}
    usage = {"usage": None} if include_usage else {}
    return _event({"object": "chat.completion.chunk", **head._asdict(), "choices": [choice], **usage})


def _event(content: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(content, ensure_ascii=False, separators=(',', ':'))}\n\n".encode()


def _usage(usage: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": usage.input + usage.output,
        "prompt_tokens_details": {"cached_tokens": usage.cached},
    }
