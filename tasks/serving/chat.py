"""The chat page of the endpoint, and what it tells of an answer that was given."""

import base64
import hashlib
from functools import cache
from pathlib import Path
from string import Template
from typing import Any, NamedTuple

import orjson
from aiohttp import web

from tasks.serving.doorkeeper import Doorkeeper
from tasks.serving.protocol import ProtocolError
from tasks.serving.record_file import RecordError
from tasks.serving.served import Served
from tasks.serving.served_apps import ServedApps

_HERE = Path(__file__)


class Document(NamedTuple):
    """One HTML file that needs nothing else, and the policy under which a browser shows it."""

    html: str
    policy: str


@cache
def chat_document() -> Document:
    """Returns the chat page.

    Its policy lets run exactly the script that is in it, lets it reach this endpoint alone, and lets nobody put the
    page into a frame. No text becomes mark-up: Trusted Types refuse it even where the script would.
    """
    style, script = (_HERE.with_suffix(suffix).read_text(encoding="utf-8") for suffix in (".css", ".js"))
    html = Template(_HERE.with_suffix(".html").read_text(encoding="utf-8")).substitute(style=style, script=script)
    policy = (
        f"default-src 'none'; script-src {_source(script)}; style-src {_source(style)}; img-src data:; "
        f"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        f"require-trusted-types-for 'script'; trusted-types 'none'"
    )
    return Document(html, policy)


class Chat:
    """The routes of the chat page.

    Args:
        apps: those that are served.
        doorkeeper: knows the keys.
    """

    def __init__(self, apps: ServedApps, doorkeeper: Doorkeeper) -> None:
        self._apps = apps
        self._doorkeeper = doorkeeper

    def install(self, api: web.Application) -> None:
        """Adds the routes."""
        api.add_routes([web.get("/chat", self.page), web.get("/v1/requests/{id}", self.served)])

    async def page(self, _request: web.Request) -> web.Response:
        """The page. It holds nothing of the app, and so needs no key; what it asks for does."""
        document = chat_document()
        headers = {
            "content-security-policy": document.policy,
            "x-frame-options": "DENY",
            "x-content-type-options": "nosniff",
            "referrer-policy": "no-referrer",
            "cross-origin-opener-policy": "same-origin",
            "cache-control": "no-cache",
        }
        return web.Response(text=document.html, content_type="text/html", headers=headers)

    async def served(self, request: web.Request) -> web.Response:
        """Who answered a request, from what, at which cost; only once it is on the disk, and for the key that asked."""
        key = self._doorkeeper.key_of(request)
        identity = request.match_info["id"]
        try:
            found = await self._apps.found(key, lambda app: next(iter(app.store.named([identity])), None))
        except RecordError as error:
            raise ProtocolError(503, "what was served cannot be read; try again", "not_readable") from error
        if found is None or found.served.key != (key.id if key else ""):
            message = f"no request {identity[:80]!r} of yours was answered here"
            raise ProtocolError(404, message, "unknown_request", "id")
        return web.Response(body=orjson.dumps(_told(found.served)), content_type="application/json")


def _told(served: Served) -> dict[str, Any]:
    answer = served.answer
    return {
        "id": served.id,
        "candidate": served.candidate,
        "version": served.version,
        "outcome": answer.outcome.value,
        "usage": {"prompt_tokens": answer.usage.input, "completion_tokens": answer.usage.output},
        "seconds": answer.latency.total,
        "first_token_seconds": answer.latency.first_token,
        "price": answer.price,
        "passages": [passage.id for passage in answer.context],
    }


def _source(content: str) -> str:
    """Returns the source expression that allows one inline script or style: the hash of it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"
