"""Errors as the OpenAI protocol writes them."""

from collections.abc import Mapping
from typing import Any

import orjson
from aiohttp import web


class Problem(Exception):  # noqa: N818 - an answer of the endpoint, not an error of this program
    """A request that is answered by an error."""

    def __init__(
        self, status: int, message: str, code: str | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body: dict[str, Any] = {
            "error": {"message": message, "type": "simulated", "param": None, "code": code},
        }
        self.headers = dict(headers or {})

    def response(self) -> web.Response:
        """Returns the reply."""
        return json_response(self.body, self.status, self.headers)


def json_response(content: object, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """Returns a reply of JSON."""
    return web.Response(
        body=orjson.dumps(content), status=status, headers=headers or None, content_type="application/json"
    )
