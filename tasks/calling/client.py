"""The client of model endpoints: who a model is, one shared connection pool a model, and one streamed call."""

import asyncio
import hashlib
import os
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from configs.errors import ConfigurationError
from configs.schema.app import Parameters
from configs.schema.model import ModelConfig
from configs.settings import settings
from tasks.calling.answer import Latency, Usage
from tasks.calling.failures import Callee, failure_of, not_the_api, torn
from tasks.data.row import Message

if TYPE_CHECKING:
    from openai import AsyncOpenAI, AsyncStream
    from openai.types import CompletionUsage
    from openai.types.chat import ChatCompletionChunk

_EMBEDDED_NAMES = {"chat": "smollm2-135m", "embedding": "minilm"}
_NO_KEY = "none"
"""Sent where a model names no key; endpoints that want none do not look at it."""


class Reply(NamedTuple):
    """A whole answer of a model. `finish_reason` is `stop`, `length` or what else the endpoint says."""

    text: str
    usage: Usage
    latency: Latency
    finish_reason: str


def endpoint_model(name: str, model: ModelConfig) -> str:  # noqa: ARG001 the name decides nothing
    """Returns what a model's name stands for: the endpoint's own name and address, or the embedded weights.

    Args:
        name: name in the configuration; no part of the identity.
        model: the model.

    Raises:
        StackError: the embedded weights are not installed.
    """
    if model.kind == "openai":
        return f"{model.model} at {model.base_url.rstrip('/')}"
    from infra.stack.weights import chat_weights, embedding_weights

    file = chat_weights() if model.task == "chat" else embedding_weights()
    return f"{file.name} {_sha256(file, file.stat().st_size, file.stat().st_mtime_ns)[:16]}"


@cache
def _sha256(file: Path, size: int, modified_ns: int) -> str:  # noqa: ARG001 a changed file is another one
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def base_url(model: ModelConfig) -> str:
    """Returns the address under which a model is reached."""
    if model.kind == "openai":
        return model.base_url
    return settings().chat_url if model.task == "chat" else settings().embedding_url


def model_name(model: ModelConfig) -> str:
    """Returns the name under which the endpoint knows a model."""
    return model.model if model.kind == "openai" else _EMBEDDED_NAMES[model.task]


def callee_of(model: ModelConfig) -> Callee:
    """Returns how messages name a model."""
    if model.kind == "openai":
        return Callee(f"model {model.model}", model.base_url, model.timeout_s, model.api_key_env)
    return Callee(f"model {model_name(model)}", base_url(model), model.timeout_s, start="run `lifecycle up`")


def is_loopback(address: str) -> bool:
    """Returns whether an address is on this machine, where no proxy of the environment's can reach it."""
    return urlsplit(address).hostname in ("127.0.0.1", "localhost", "::1")


def retries_of(model: ModelConfig) -> int:
    """Returns how many further tries a call gets; the embedded models' supervisor restarts them within a second."""
    return model.retries if model.kind == "openai" else 3


_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, "dict[tuple[str, str], AsyncOpenAI]"] = WeakKeyDictionary()


def open_client(model: ModelConfig) -> "AsyncOpenAI":
    """Returns the client of a model's endpoint: one for all calls of this event loop, and gone with it.

    It never tries a call again by itself: `with_retries` does, and counts.

    Raises:
        ConfigurationError: the environment variable that should hold the key is not set.
    """
    address, key = base_url(model), _api_key(model)
    shared = _clients.setdefault(asyncio.get_running_loop(), {})
    if (address, key) not in shared:
        from openai import AsyncOpenAI, DefaultAsyncHttpxClient

        connections = DefaultAsyncHttpxClient(trust_env=not is_loopback(address))
        shared[address, key] = AsyncOpenAI(base_url=address, api_key=key, max_retries=0, http_client=connections)
    return shared[address, key]


def _api_key(model: ModelConfig) -> str:
    if model.kind == "embedded" or model.api_key_env is None:
        return _NO_KEY
    key = os.environ.get(model.api_key_env, "").strip()
    if not key:
        raise ConfigurationError(
            f"model {model.model}: the environment variable {model.api_key_env} is not set; "
            f"put the key there or into .env, or mend `api_key_env`"
        )
    return key


async def call_model(
    client: "AsyncOpenAI", model: ModelConfig, messages: Sequence[Message], parameters: Parameters
) -> Reply:
    """Returns a model's whole answer.

    Raises:
        CallFailure: no usable answer; see `stream_model`.
    """
    async with aclosing(stream_model(client, model, messages, parameters)) as pieces:
        async for piece in pieces:
            if isinstance(piece, Reply):
                return piece
    raise AssertionError("unreachable: a stream ends with a Reply or raises")


async def stream_model(
    client: "AsyncOpenAI", model: ModelConfig, messages: Sequence[Message], parameters: Parameters
) -> AsyncGenerator[str | Reply]:
    """Yields a model's answer piece by piece, then the whole `Reply`. One request, never tried again.

    An answer counts only if the endpoint said how it finished: a reply that was cut is a failure, never a short answer.

    Args:
        client: from `open_client`.
        model: the model.
        messages: what it is sent.
        parameters: with which parameters.

    Raises:
        CallFailure: no usable answer within `timeout_s`, counted over the whole call.
    """
    callee = callee_of(model)
    started = time.perf_counter()
    first = last = 0.0
    pieces: list[str] = []
    usage, finish_reason = Usage(), ""
    async with aclosing(_chunks(client, model, _request(model, messages, parameters), callee)) as chunks:
        async for chunk in chunks:
            if chunk.usage:
                usage = _usage(chunk.usage)
            for choice in (chunk.choices or [])[:1]:
                finish_reason = choice.finish_reason or finish_reason
                piece = choice.delta.content if choice.delta else None
                if piece:
                    last = time.perf_counter()
                    first = first or last
                    pieces.append(piece)
                    yield piece
    if not finish_reason:
        raise torn("ended its reply before the answer was whole" if pieces else "gave an empty reply", callee)
    ended = time.perf_counter()
    steps = usage.output - 1
    latency = Latency(
        total=ended - started,
        first_token=first - started if first else None,
        per_output_token=(last - first) / steps if len(pieces) > 1 and steps > 0 else None,
    )
    yield Reply("".join(pieces), usage, latency, finish_reason)


def _request(model: ModelConfig, messages: Sequence[Message], parameters: Parameters) -> dict[str, Any]:
    sent = {
        "model": model_name(model),
        "messages": [message._asdict() for message in messages],
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": parameters.temperature,
        "top_p": parameters.top_p,
        model.max_tokens_key if model.kind == "openai" else "max_tokens": parameters.max_tokens,
        "seed": parameters.seed,
        "stop": list(parameters.stop) or None,
    }
    return {key: value for key, value in sent.items() if value is not None}


async def _chunks(
    client: "AsyncOpenAI", model: ModelConfig, request: dict[str, Any], callee: Callee
) -> "AsyncGenerator[ChatCompletionChunk]":
    """Yields the chunks of a streamed reply; whatever goes wrong becomes a CallFailure."""
    deadline = asyncio.get_running_loop().time() + model.timeout_s
    stream: AsyncStream[ChatCompletionChunk] | None = None
    try:
        async with asyncio.timeout_at(deadline):
            stream = await client.chat.completions.create(**request, timeout=model.timeout_s)
            content_type = stream.response.headers.get("content-type", "")
            body = None if "text/event-stream" in content_type else await stream.response.aread()
        if body is not None:
            yield _whole(content_type, body, callee)
            return
        chunks = aiter(stream)
        while True:
            # A timeout around the whole loop would also run while the consumer holds a chunk, and cancel it there.
            async with asyncio.timeout_at(deadline):
                chunk = await anext(chunks, None)
            if chunk is None:
                return
            yield chunk
    except Exception as error:
        raise failure_of(error, callee) from None
    finally:
        if stream is not None:
            await stream.close()


def _whole(content_type: str, body: bytes, callee: Callee) -> "ChatCompletionChunk":
    """Returns a reply in one piece, of an endpoint that does not stream, as one chunk."""
    from openai.types.chat import ChatCompletion, ChatCompletionChunk

    try:
        whole = ChatCompletion.model_validate_json(body)
    except ValueError:
        raise not_the_api(content_type, body[:2000].decode("utf-8", "replace"), callee) from None
    choices = [
        {"index": 0, "delta": {"content": choice.message.content}, "finish_reason": choice.finish_reason}
        for choice in whole.choices[:1]
    ]
    content = whole.model_dump(exclude={"choices", "object"})
    return ChatCompletionChunk.model_validate({**content, "choices": choices, "object": "chat.completion.chunk"})


def _usage(usage: "CompletionUsage") -> Usage:
    details = usage.prompt_tokens_details
    cached = details.cached_tokens if details else None
    return Usage(usage.prompt_tokens or 0, usage.completion_tokens or 0, cached or 0)
