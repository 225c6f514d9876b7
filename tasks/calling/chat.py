"""One call of a chat model, streamed: the OpenAI protocol in as little work as it takes.

The openai SDK makes objects of every piece: measured 1.8 to 4.6 ms of CPU a call, against 0.3 to 0.5 ms here. An
evaluation is held up by that, a person is not: so the SDK serves where one call at a time is made (embeddings, batch
files), and this where thousands are.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from configs.schema.app import Parameters
from configs.schema.model import ModelConfig
from tasks.calling.adapters import adapter_fields
from tasks.calling.answer import Latency, ToolCall, Usage
from tasks.calling.connecting import open_session
from tasks.calling.endpoint import api_key, base_url, callee_of, model_name
from tasks.calling.failures import Callee, failure_of, failure_of_said, failure_of_status, not_the_api, said_by, torn
from tasks.calling.rate_headers import pause_asked
from tasks.calling.tool_calls import ToolCalls
from tasks.candidate import Adapter
from tasks.data.row import Message

if TYPE_CHECKING:
    from types import TracebackType

    import aiohttp

_END_WITHIN_S = 0.5
_ERROR_BYTES = 10_000
"""So much of a reply is read to find out what is wrong."""
_CONNECTIONS_TRIED = 4
"""Kept connections that may turn out to be closed before a call counts as failed."""


class Reply(NamedTuple):
    """A whole answer of a model.

    `finish_reason` is `stop`, `length` or what else the endpoint says; `pause_s` the seconds that the endpoint's
    rate-limit headers ask to wait before the next call, 0 where they ask for nothing. `tool_calls` are there only where
    the model was offered tools.
    """

    text: str
    usage: Usage
    latency: Latency
    finish_reason: str
    pause_s: float = 0.0
    tool_calls: tuple[ToolCall, ...] = ()


async def call_model(
    model: ModelConfig,
    messages: Sequence[Message],
    parameters: Parameters,
    response_format: Mapping[str, Any] | None = None,
    adapter: Adapter | None = None,
) -> Reply:
    """Returns a model's whole answer. One request, never tried again.

    Args:
        model: the model.
        messages: what it is sent.
        parameters: with which parameters.
        response_format: form that the answer must have, as the OpenAI protocol writes it; any where not given.
        adapter: with which it answers; none where not given.

    Raises:
        CallFailure: no usable answer within `timeout_s`; see `stream_model`.
        ConfigurationError: the environment variable that should hold the key is not set.
    """
    body = request_body(model, messages, parameters, stream=True, response_format=response_format)
    body |= await adapter_fields(model, adapter)
    async with _Call(model, body) as call:
        while not call.ended:
            await call.read()
        return call.reply()


async def stream_model(
    model: ModelConfig,
    messages: Sequence[Message],
    parameters: Parameters,
    adapter: Adapter | None = None,
    passed: Mapping[str, Any] | None = None,
) -> AsyncGenerator[str | Reply]:
    """Yields the text of a model's answer piece by piece, then the whole `Reply`. One request, never tried again.

    An answer counts only if the endpoint said how it finished: a reply that was cut is a failure, never a short answer.

    Args:
        model: the model.
        messages: what it is sent.
        parameters: with which parameters.
        adapter: with which it answers; none where not given.
        passed: further fields of the request; what the parameters or the adapter say goes before them.

    Raises:
        CallFailure: no usable answer within `timeout_s`, counted over the whole call.
        ConfigurationError: the environment variable that should hold the key is not set.
    """
    body = request_body(model, messages, parameters, stream=True) | await adapter_fields(model, adapter)
    if passed:
        body = {**passed, **body}
    async with _Call(model, body) as call:
        for piece in call.pieces:
            yield piece
        while not call.ended:
            for piece in await call.read():
                yield piece
        yield call.reply()


def request_body(
    model: ModelConfig,
    messages: Sequence[Message],
    parameters: Parameters,
    *,
    stream: bool,
    response_format: Mapping[str, Any] | None = None,
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
        "response_format": response_format,
    }
    return {key: value for key, value in sent.items() if value is not None}


def usage_of(reported: Mapping[str, Any]) -> Usage:
    """Returns the tokens that an endpoint reports; 0 for what it does not say."""
    cached = (reported.get("prompt_tokens_details") or {}).get("cached_tokens")
    return Usage(reported.get("prompt_tokens") or 0, reported.get("completion_tokens") or 0, cached or 0)


class _Call:
    """One request and its reply, read block by block; whatever goes wrong becomes a CallFailure.

    Attributes:
        ended: whether the reply has been read to its end.
        pieces: of text, so far.
    """

    def __init__(self, model: ModelConfig, body: dict[str, Any]) -> None:
        self._callee = callee_of(model)
        self._address = base_url(model).rstrip("/")
        self._headers = {"content-type": "application/json", "authorization": f"Bearer {api_key(model)}"}
        self._body = orjson.dumps(body)
        self._timeout_s = model.timeout_s
        self._response: aiohttp.ClientResponse | None = None
        self._rest = b""
        self.pieces: list[str] = []
        self._calls: ToolCalls | None = None
        self._usage, self._finish_reason = Usage(), ""
        self._first = self._last = self._pause_s = 0.0
        self.ended = False

    async def __aenter__(self) -> "_Call":
        self._started = time.perf_counter()
        self._deadline = asyncio.get_running_loop().time() + self._timeout_s
        try:
            async with asyncio.timeout_at(self._deadline):
                self._response = response = await self._sent()
                if response.status >= 400:
                    said = (await response.content.read(_ERROR_BYTES)).decode("utf-8", "replace")
                    raise failure_of_status(response.status, response.headers, said_by(said), self._callee)
                if "text/event-stream" not in response.content_type:
                    self._take(_whole(response, await response.read(), self._callee))
                    self.ended = True
        except BaseException as error:
            self._close()
            raise self._failure(error) from None
        self._pause_s = pause_asked(response.headers)
        return self

    async def _sent(self) -> "aiohttp.ClientResponse":
        """Sends the request; again on another connection where one that was kept open has been closed meanwhile.

        Some servers, llama.cpp's among them, close a kept connection without a word: the request then never arrived.
        """
        import aiohttp

        session = await open_session(self._address)
        for left in reversed(range(_CONNECTIONS_TRIED)):
            try:
                return await session.post(f"{self._address}/chat/completions", data=self._body, headers=self._headers)
            except aiohttp.ClientConnectorError:
                raise
            except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError):
                if not left:
                    raise
                # The event loop learns now which other connections have been closed.
                await asyncio.sleep(0)
        raise AssertionError("unreachable: the last try returns or raises")

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: "TracebackType | None"
    ) -> None:
        self._close()

    async def read(self) -> Sequence[str]:
        """Reads on, and returns the pieces of text that came."""
        response = self._response
        if response is None or self.ended:
            return ()
        before = len(self.pieces)
        try:
            # The time in which the consumer holds a piece is not the endpoint's: no timeout runs in it.
            async with asyncio.timeout_at(self._deadline):
                block = await response.content.readany()
                *events, self._rest = (self._rest + block).split(b"\n") if block else (self._rest, b"")
                for event in events:
                    if event.startswith(b"data:") and not self.ended:
                        self._event(event[5:].strip())
        except BaseException as error:
            raise self._failure(error) from None
        if self.ended and not response.content.at_eof():
            await _drain(response)
        self.ended = self.ended or not block
        return self.pieces[before:]

    def reply(self) -> Reply:
        """Returns the whole answer.

        Raises:
            CallFailure: the endpoint did not say how it finished.
        """
        if not self._finish_reason:
            what = "ended its reply before the answer was whole" if self.pieces else "gave an empty reply"
            raise torn(what, self._callee)
        calls = self._calls.whole() if self._calls is not None else ()
        if not all(call.name for call in calls):
            raise torn("wants a tool called that it does not name", self._callee)
        steps = self._usage.output - 1
        several = len(self.pieces) > 1 and steps > 0
        latency = Latency(
            total=time.perf_counter() - self._started,
            first_token=self._first - self._started if self._first else None,
            per_output_token=(self._last - self._first) / steps if several else None,
        )
        return Reply("".join(self.pieces), self._usage, latency, self._finish_reason, self._pause_s, calls)

    def _event(self, data: bytes) -> None:
        if data == b"[DONE]":
            self.ended = True
            return
        try:
            chunk = orjson.loads(data)
        except ValueError:
            chunk = None
        if not isinstance(chunk, dict):
            raise torn("gave a reply that cannot be read", self._callee)
        if error := chunk.get("error"):
            raise failure_of_said(error, self._callee)
        self._take(chunk)

    def _take(self, chunk: Mapping[str, Any]) -> None:
        if reported := chunk.get("usage"):
            self._usage = usage_of(reported)
        for choice in (chunk.get("choices") or ())[:1]:
            self._finish_reason = choice.get("finish_reason") or self._finish_reason
            said = choice.get("delta") or choice.get("message") or {}
            piece, calls = said.get("content"), said.get("tool_calls")
            if piece or calls:
                self._last = time.perf_counter()
                self._first = self._first or self._last
            if piece:
                self.pieces.append(piece)
            if calls:
                self._calls = self._calls or ToolCalls()
                self._calls.take(calls)

    def _failure(self, error: BaseException) -> BaseException:
        return failure_of(error, self._callee) if isinstance(error, Exception) else error

    def _close(self) -> None:
        response = self._response
        if response is not None:
            response.release() if response.content.at_eof() else response.close()


async def _drain(response: "aiohttp.ClientResponse") -> None:
    """Reads the end of a reply whose answer is there, so that the connection can be used again; else it is closed."""
    with suppress(Exception):  # the answer is whole, whatever comes of its end
        async with asyncio.timeout(_END_WITHIN_S):
            await response.content.readany()


def _whole(response: "aiohttp.ClientResponse", body: bytes, callee: Callee) -> dict[str, Any]:
    """Returns a reply in one piece, of an endpoint that does not stream."""
    try:
        whole = orjson.loads(body)
        if isinstance(whole, dict) and isinstance(whole["choices"], list):
            return whole
    except (ValueError, KeyError):
        pass
    raise not_the_api(response.content_type, body[:2000].decode("utf-8", "replace"), callee)
