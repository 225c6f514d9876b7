"""One try to send a message: cut after a few seconds, no redirect followed, and no address in what is said of it."""

import asyncio
import re
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import aiohttp

from configs.settings import settings
from tasks.alerting.channel import AddressError, Channel, environment_value
from tasks.alerting.message import Message
from tasks.alerting.slack import slack_body
from tasks.alerting.tried import Tried
from tasks.alerting.webhook import webhook_body, webhook_headers
from tasks.calling.endpoint import is_loopback
from tasks.calling.failures import retry_after_s
from tasks.orchestrating.alert_events import events_body, events_headers

_ADDRESS = re.compile(r"https?://[^\s/]\S*")
_WITHIN_S = 5.0
_DETAIL_WITHIN_S = 1.0
_DETAIL = re.compile(r"[a-z0-9_ -]{3,60}")
"""A code such as Slack's `channel_is_archived`; anything longer may hold what was sent, or the address."""

_SOON = frozenset({408, 425, 429})
_UNREADABLE = frozenset({400, 413, 415, 422})


class _Request(NamedTuple):
    url: str
    body: bytes
    headers: dict[str, str]


async def send(channel: Channel, message: Message, at: datetime) -> Tried:
    """Sends a message once; whatever goes wrong is part of what is returned.

    Args:
        channel: where to.
        message: what.
        at: now, in UTC.
    """
    label = channel.url_env or "Prefect"
    try:
        request = _request(channel, message, at)
    except AddressError as error:
        return Tried("again", str(error))
    try:
        async with asyncio.timeout(_WITHIN_S):
            return await _posted(request, label)
    except TimeoutError:
        return Tried("again", f"{label}: no reply within {_WITHIN_S:g} s")
    except (aiohttp.ClientError, OSError, ValueError) as error:
        # Their own words hold the address.
        return Tried("again", f"{label}: {_why(error)}")


async def try_all(app: str, channels: Sequence[Channel]) -> list[Tried]:
    """Sends each channel a test message, past the outbox; returns what came of it, in the channels' order."""
    now = datetime.now(UTC)
    message = Message(id=f"msg_{uuid.uuid4().hex}", app=app, at=now, test=True)
    return await asyncio.gather(*(send(channel, message, now) for channel in channels))


def _request(channel: Channel, message: Message, at: datetime) -> _Request:
    headers = {"content-type": "application/json", "user-agent": "genai-lifecycle", "idempotency-key": message.id}
    if channel.kind == "prefect":
        return _Request(f"{settings().prefect_api}/events", events_body(message), headers | events_headers())
    url = environment_value(channel.url_env)
    if not _ADDRESS.fullmatch(url):
        raise AddressError(f"{channel.url_env} holds no address that begins with http:// or https://; mend it")
    if channel.kind == "slack":
        return _Request(url, slack_body(message), headers)
    body = webhook_body(message)
    secret = environment_value(channel.secret_env) if channel.secret_env else ""
    try:
        return _Request(url, body, headers | webhook_headers(message, body, at, secret))
    except AddressError as error:
        raise AddressError(f"{channel.secret_env} {error}") from None


async def _posted(request: _Request, label: str) -> Tried:
    session = aiohttp.ClientSession(
        trust_env=not is_loopback(request.url), auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()
    )
    async with (
        session,
        session.post(request.url, data=request.body, headers=request.headers, allow_redirects=False) as reply,
    ):
        if 200 <= reply.status < 300:
            return Tried("delivered")
        said = f"{label}: answered {reply.status}{await _detail(reply, request.url)}"
        if 300 <= reply.status < 400:
            return Tried("stuck", f"{said}, a redirect, which is not followed; set {label} to where it leads")
        asked_s = retry_after_s(reply.headers) or 0.0
        if reply.status >= 500 or reply.status in _SOON:
            return Tried("again", said, asked_s)
        return Tried("unreadable" if reply.status in _UNREADABLE else "stuck", said, asked_s)


async def _detail(reply: aiohttp.ClientResponse, url: str) -> str:
    try:
        async with asyncio.timeout(_DETAIL_WITHIN_S):
            text = (await reply.content.read(100)).decode("ascii", "replace").strip()
    except (TimeoutError, aiohttp.ClientError):
        return ""
    return f" ({text})" if _DETAIL.fullmatch(text) and text not in url else ""


def _why(error: Exception) -> str:
    match error:
        case aiohttp.ClientConnectorDNSError():
            return "its host is not known"
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientConnectorSSLError():
            return "its certificate is not trusted"
        case aiohttp.ClientConnectorError():
            return "nothing answers there"
    return f"the connection broke off ({type(error).__name__})"
