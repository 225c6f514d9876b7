"""One call of a chat model, streamed: the OpenAI protocol in as little work as it takes.

The openai SDK makes objects of every piece: measured 1.8 to 4.6 ms of CPU a call, against 0.3 to 0.5 ms here. An
evaluation is held up by that, a person is not: so the SDK serves where one call at a time is made (embeddings, batch
files), and this where thousands are.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from configs.schema.app import Parameters
from configs.schema.model import ModelConfig
from tasks.calling.answer import Latency, Usage
from tasks.calling.connecting import open_session
from tasks.calling.endpoint import api_key, base_url, callee_of, model_name
from tasks.calling.failures import Callee, failure_of, failure_of_said, failure_of_status, not_the_api, said_by, torn
from tasks.calling.rate_headers import pause_asked
from tasks.data.row import Message

if TYPE_CHECKING:
    import aiohttp

_ERROR_BYTES = 10_000
"""So much of a reply is read to find out what is wrong."""


class Reply(NamedTuple):
    """A whole answer of a model.

    `finish_reason` is `stop`, `length` or what else the endpoint says; `pause_s` the seconds that the endpoint's
    rate-limit headers ask to wait before the next call, 0 where they ask for nothing.
    """

    text: str
    usage: Usage
    latency: Latency
    finish_reason: str
    pause_s: float = 0.0


async def call_model(model: ModelConfig, messages: Sequence[Message], parameters: Parameters) -> Reply:
    """Returns a model's whole answer.

    Raises:
        CallFailure: no usable answer; see `stream_model`.
    """
    async with aclosing(stream_model(model, messages, parameters)) as pieces:
        async for piece in pieces:
            if isinstance(piece, Reply):
                return piece
    raise AssertionError("unreachable: a stream ends with a Reply or raises")


async def stream_model(
    model: ModelConfig, messages: Sequence[Message], parameters: Parameters
) -> AsyncGenerator[str | Reply]:
    """Yields a model's answer piece by piece, then the whole `Reply`. One request, never tried again.

    An answer counts only if the endpoint said how it finished: a reply that was cut is a failure, never a short answer.

    Args:
        model: the model.
        messages: what it is sent.
        parameters: with which parameters.

    Raises:
        CallFailure: no usable answer within `timeout_s`, counted over the whole call.
        ConfigurationError: the environment variable that should hold the key is not set.
    """
    callee = callee_of(model)
    started = time.perf_counter()
    first = last = pause_s = 0.0
    pieces: list[str] = []
    usage, finish_reason = Usage(), ""
    async with aclosing(_chunks(model, request_body(model, messages, parameters, stream=True), callee)) as chunks:
        async for chunk in chunks:
            if isinstance(chunk, float):
                pause_s = chunk
                continue
            if reported := chunk.get("usage"):
                usage = usage_of(reported)
            for choice in (chunk.get("choices") or ())[:1]:
                finish_reason = choice.get("finish_reason") or finish_reason
                piece = (choice.get("delta") or choice.get("message") or {}).get("content")
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
    yield Reply("".join(pieces), usage, latency, finish_reason, pause_s)


def request_body(
    model: ModelConfig, messages: Sequence[Message], parameters: Parameters, *, stream: bool
) -> dict[str, Any]:
    """Returns the body of a chat request, parameters that are not set left out."""
    sent = {
        "model": model_name(model),
        "messages": [message._asdict() for message in messages],
        "stream": stream or None,
        "stream_options": {"include_usage": True} if stream else None,
        "temperature": parameters.temperature,
        "top_p": parameters.top_p,
        model.max_tokens_key if model.kind == "openai" else "max_tokens": parameters.max_tokens,
        "seed": parameters.seed,
        "stop": list(parameters.stop) or None,
    }
    return {key: value for key, value in sent.items() if value is not None}


def usage_of(reported: Mapping[str, Any]) -> Usage:
    """Returns the tokens that an endpoint reports; 0 for what it does not say."""
    cached = (reported.get("prompt_tokens_details") or {}).get("cached_tokens")
    return Usage(reported.get("prompt_tokens") or 0, reported.get("completion_tokens") or 0, cached or 0)


async def _chunks(model: ModelConfig, body: dict[str, Any], callee: Callee) -> AsyncGenerator[dict[str, Any] | float]:
    """Yields the pause that was asked for, then the chunks of a reply; whatever goes wrong becomes a CallFailure."""
    address, key = base_url(model).rstrip("/"), api_key(model)
    headers = {"content-type": "application/json", "authorization": f"Bearer {key}"}
    deadline = asyncio.get_running_loop().time() + model.timeout_s
    response: aiohttp.ClientResponse | None = None
    try:
        async with asyncio.timeout_at(deadline):
            session = await open_session(address)
            response = await session.post(f"{address}/chat/completions", data=orjson.dumps(body), headers=headers)
            if response.status >= 400:
                said = (await response.content.read(_ERROR_BYTES)).decode("utf-8", "replace")
                raise failure_of_status(response.status, response.headers, said_by(said), callee)
            streams = "text/event-stream" in response.content_type
            whole = None if streams else _whole(response, await response.read(), callee)
        if pause := pause_asked(response.headers):
            yield pause
        if whole is not None:
            yield whole
            return
        async with aclosing(_events(response, deadline)) as events:
            async for event in events:
                yield _chunk(event, callee)
    except Exception as error:
        raise failure_of(error, callee) from None
    finally:
        if response is not None:
            response.release() if response.content.at_eof() else response.close()


async def _events(response: "aiohttp.ClientResponse", deadline: float) -> AsyncGenerator[bytes]:
    """Yields the data of each event of a stream, up to its end or `[DONE]`."""
    rest = b""
    while True:
        # A timeout around the whole loop would also run while the consumer holds an event, and cancel it there.
        async with asyncio.timeout_at(deadline):
            block = await response.content.readany()
        *lines, rest = (rest + block).split(b"\n") if block else (rest, b"")
        for line in lines:
            if not line.startswith(b"data:"):
                continue
            data = line[5:].strip()
            if data == b"[DONE]":
                # What is left is the end of the reply: read, the connection can be used again.
                async with asyncio.timeout_at(deadline):
                    await response.content.readany()
                return
            yield data
        if not block:
            return


def _chunk(event: bytes, callee: Callee) -> dict[str, Any]:
    try:
        chunk = orjson.loads(event)
    except ValueError:
        raise torn("gave a reply that cannot be read", callee) from None
    if not isinstance(chunk, dict):
        raise torn("gave a reply that cannot be read", callee)
    if error := chunk.get("error"):
        raise failure_of_said(error, callee)
    return chunk


def _whole(response: "aiohttp.ClientResponse", body: bytes, callee: Callee) -> dict[str, Any]:
    """Returns a reply in one piece, of an endpoint that does not stream."""
    try:
        whole = orjson.loads(body)
        if isinstance(whole, dict) and isinstance(whole["choices"], list):
            return whole
    except (ValueError, KeyError):
        pass
    raise not_the_api(response.content_type, body[:2000].decode("utf-8", "replace"), callee)
