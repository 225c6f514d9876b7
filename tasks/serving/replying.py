"""What every request goes through: errors become the protocol's, and each reply is counted."""

import logging
from collections.abc import Callable

import orjson
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from tasks.serving.metrics import Metrics
from tasks.serving.origins import Origins
from tasks.serving.protocol import ProtocolError
from tasks.serving.silence import Silence

_log = logging.getLogger(__name__)


def replying(metrics_of: Callable[[web.Request], Metrics], silence: Silence, origins: Origins) -> Middleware:
    """Returns the middleware.

    Args:
        metrics_of: returns what counts the reply to a request.
        silence: is told of each request.
        origins: refuses what other sites' pages ask.
    """

    @web.middleware
    async def reply(request: web.Request, handler: Handler) -> web.StreamResponse:
        silence.broken(request)
        try:
            origins.check(request)
            if request.headers.get("content-encoding", "identity").lower() != "identity":
                raise ProtocolError(415, "send the body as it is, without content-encoding", "unsupported_encoding")
            response = await handler(request)
        except ProtocolError as error:
            response = _refused(error)
        except web.HTTPException as error:
            response = _refused(_unknown(request, error.status))
        except ConnectionError:
            raise  # the client is gone: nobody reads a reply
        except Exception as error:
            _log.exception("request failed")
            response = _refused(
                ProtocolError(500, f"{type(error).__name__}; the log of the endpoint says more", "internal")
            )
        metrics_of(request).replied(response.status)
        return response

    return reply


def _unknown(request: web.Request, status: int) -> ProtocolError:
    known = "/v1/chat/completions, /v1/responses, /v1/embeddings, /v1/models, /health"
    message = f"no {request.method} {request.path} here; see {known}"
    return ProtocolError(404 if status in (404, 405) else status, message, "unknown_url")


def _refused(error: ProtocolError) -> web.Response:
    return web.Response(
        body=orjson.dumps(error.body), status=error.status, headers=error.headers, content_type="application/json"
    )
