"""An answer as it comes, written to a client that may be slow or gone."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping

from aiohttp import web

from tasks.calling.answer import Outcome
from tasks.serving.protocol import Form, ProtocolError
from tasks.serving.refusing import refusal_of
from tasks.serving.responder import Reply

_log = logging.getLogger(__name__)

_WRITE_WITHIN_S = 60.0
_STREAM = {"content-type": "text/event-stream", "cache-control": "no-cache"}


async def streamed(
    request: web.Request,
    form: Form,
    identity: str,
    first: str | Reply,
    replies: AsyncGenerator[str | Reply],
    headers: Mapping[str, str],
) -> web.StreamResponse:
    """Writes the events of an answer; one that breaks off says so in its last event.

    Args:
        request: who asked.
        form: how the answer is said.
        identity: id of the request.
        first: its first piece.
        replies: the pieces after it.
        headers: of the reply.

    Raises:
        ConnectionError: the client is gone, or does not read.
    """
    response = web.StreamResponse(headers={**headers, **_STREAM})
    await response.prepare(request)
    try:
        await _write(request, response, form.opening())
        piece = first
        while isinstance(piece, str):
            await _write(request, response, form.text(piece))
            piece = await anext(replies)
        last = form.closing(piece) if piece.answer.outcome is Outcome.OK else form.failed(refusal_of(piece, identity))
    except ConnectionError:
        raise
    except Exception as error:  # the reply has begun: what went wrong can only be its end
        _log.exception("a stream broke off")
        last = form.failed(ProtocolError(500, f"{type(error).__name__}; the log of the endpoint says more", "internal"))
    await _write(request, response, last)
    await response.write_eof()
    return response


async def _write(request: web.Request, response: web.StreamResponse, content: bytes) -> None:
    """Writes a part of a reply; a client that does not read it is given up, since it holds a place and a call."""
    try:
        async with asyncio.timeout(_WRITE_WITHIN_S):
            await response.write(content)
    except TimeoutError:
        if request.transport is not None:
            request.transport.abort()
        raise ConnectionResetError("the client does not read") from None
