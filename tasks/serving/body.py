"""The body of a request, read within bounds of size and time."""

import asyncio

from aiohttp import web

from tasks.serving.protocol import ProtocolError

_MAX_BODY_BYTES = 1_048_576
_BODY_WITHIN_S = 30.0


async def read_body(request: web.Request) -> bytes:
    """Returns the body.

    Raises:
        ProtocolError: 400, it is not what its headers say; 408, it does not come; 413, it is too large.
    """
    too_large = ProtocolError(413, f"the body is larger than {_MAX_BODY_BYTES} bytes", "too_large")
    if (request.content_length or 0) > _MAX_BODY_BYTES:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(_BODY_WITHIN_S):
            async for piece in request.content.iter_any():
                body += piece
                if len(body) > _MAX_BODY_BYTES:
                    raise too_large
    except web.RequestPayloadError:
        raise ProtocolError(400, "the body is not what its headers say", "invalid_body") from None
    except TimeoutError:
        raise ProtocolError(408, f"the body did not come within {_BODY_WITHIN_S:g} s", "timeout") from None
    return bytes(body)
