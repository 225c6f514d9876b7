"""Every way a call can fail, as one exception whose message is one line: who, where, what happened, what to do."""

import errno
import json
import os
import re
import socket
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from configs.errors import EndpointError

_NO_CONNECTION = frozenset(
    {"ConnectError", "UnsupportedProtocol", "InvalidURL", "InvalidUrlClientError", "ClientConnectorError"}
)
"""Names of the exceptions by which httpx, httpx2 and aiohttp say that there is no connection."""


class FailureKind(StrEnum):
    """What happened to a call."""

    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    UNAUTHORIZED = "unauthorized"
    NOT_FOUND = "not_found"
    RATE_LIMITED = "rate_limited"
    NO_CREDIT = "no_credit"
    SERVER_ERROR = "server_error"
    NOT_THE_API = "not_the_api"
    TORN = "torn"
    TOO_LONG = "too_long"
    REJECTED = "rejected"
    CODE = "code"

    @property
    def retryable(self) -> bool:
        """True where the same call may succeed a moment later."""
        return self in (
            FailureKind.REFUSED,
            FailureKind.TIMEOUT,
            FailureKind.RATE_LIMITED,
            FailureKind.SERVER_ERROR,
            FailureKind.TORN,
        )

    @property
    def passes(self) -> bool:
        """True where an endpoint that has answered before may answer again after a while."""
        return self.retryable or self is FailureKind.UNREACHABLE

    @property
    def of_one_row(self) -> bool:
        """True where the row is to blame, so that the next row may well succeed."""
        return self in (FailureKind.TOO_LONG, FailureKind.REJECTED, FailureKind.TORN, FailureKind.CODE)

    @property
    def nobodys(self) -> bool:
        """True where no row is to blame if every row fails like that: whoever was asked does not answer, or not us."""
        return self not in (FailureKind.TOO_LONG, FailureKind.CODE)


class CallFailure(EndpointError):  # noqa: N818 what it is: one call failed
    """A call that gave no usable answer.

    Attributes:
        kind: what happened.
        retry_after: seconds the endpoint asked to wait; None where it did not.
        attempts: tries it took to give up.
    """

    def __init__(self, kind: FailureKind, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.retry_after = retry_after
        self.attempts = 1

    @property
    def retryable(self) -> bool:
        """True where the same call may succeed a moment later."""
        return self.kind.retryable


class Callee(NamedTuple):
    """Who is called, as messages name it.

    `name` says what it is, `url` is its address, `setting` the key that holds the address, `start` what to do where
    nobody answers there.
    """

    name: str
    url: str
    timeout_s: float
    api_key_env: str | None = None
    setting: str = "base_url"
    start: str = "start it or mend the address"

    def __str__(self) -> str:
        parts = urlsplit(self.url)
        # An address may carry a password or a key: neither is shown.
        return f"{self.name} at {parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def failure_of(error: Exception, callee: Callee) -> CallFailure:
    """Returns what an exception of a call means. Works for openai, httpx2, httpx and aiohttp."""
    if isinstance(error, CallFailure):
        return error
    response = getattr(error, "response", None)
    status = getattr(error, "status_code", None)
    if response is not None and isinstance(status, int):
        return failure_of_status(status, response.headers, said_by(getattr(error, "body", None)), callee)
    return _failure_of_connection(error, callee)


def failure_of_said(error: Any, callee: Callee) -> CallFailure:
    """Returns what an error means that stands in a reply whose status was good."""
    code = error.get("code") if isinstance(error, Mapping) else None
    return failure_of_status(code if isinstance(code, int) and code >= 400 else 500, {}, said_by(error), callee)


def failure_of_status(  # noqa: PLR0911 one return a meaning
    status: int, headers: Mapping[str, str], detail: str, callee: Callee
) -> CallFailure:
    """Returns what an HTTP status other than 2xx means.

    Args:
        status: the status.
        headers: the reply's headers, looked up in lower case.
        detail: what the reply said, "" where it said nothing.
        callee: who answered.
    """
    said = f": {_harmless(detail, callee)}" if detail else ""
    if status in (401, 403):
        # What it said is left out: endpoints like to repeat a part of the key.
        key = (
            f"check the key in the environment variable {callee.api_key_env}"
            if callee.api_key_env
            else "name the environment variable that holds its key in `api_key_env`"
        )
        return CallFailure(FailureKind.UNAUTHORIZED, f"{callee}: answered {status}, not authorized; {key}")
    if status == 404:
        what = "`model` and `base_url` (most end in /v1)" if callee.setting == "base_url" else f"`{callee.setting}`"
        return CallFailure(FailureKind.NOT_FOUND, f"{callee}: answered 404{said}; check {what}")
    if status == 429 and "insufficient_quota" in detail:
        return CallFailure(FailureKind.NO_CREDIT, f"{callee}: answered 429, no credit is left; top up the account")
    if status == 429:
        return CallFailure(
            FailureKind.RATE_LIMITED,
            f"{callee}: answered 429, too many requests{said}; lower `concurrency` or try again later",
            retry_after_s(headers),
        )
    if status >= 500 or status in (408, 409):
        return CallFailure(
            FailureKind.SERVER_ERROR,
            f"{callee}: answered {status}{said}; look at the endpoint's own log, or try again later",
            retry_after_s(headers),
        )
    if status in (400, 413, 422) and re.search(r"context[ _]?(length|size|window)|too (long|large)", detail, re.I):
        return CallFailure(FailureKind.TOO_LONG, f"{callee}: the prompt is too long for it{said}; shorten what is sent")
    return CallFailure(FailureKind.REJECTED, f"{callee}: answered {status}{said}; check parameters and messages")


def not_the_api(content_type: str, text: str, callee: Callee) -> CallFailure:
    """Returns what a 2xx reply means that is no answer: HTML, or half a JSON."""
    if "json" in content_type or text.lstrip().startswith(("{", "[")):
        return torn("gave a reply that is not whole JSON", callee)
    what = "HTML" if "html" in content_type or text.lstrip()[:1] == "<" else content_type or "something unnamed"
    return CallFailure(FailureKind.NOT_THE_API, f"{callee}: answered {what} instead of JSON; check `{callee.setting}`")


def torn(what: str, callee: Callee) -> CallFailure:
    """Returns the failure of a reply that began and was not finished, or cannot be read."""
    return CallFailure(FailureKind.TORN, f"{callee}: {what}; try again, and look at the endpoint's own log")


def _failure_of_connection(error: Exception, callee: Callee) -> CallFailure:  # noqa: PLR0911 one return a meaning
    chain = list(_chain(error))
    if any(isinstance(link, TimeoutError) or "Timeout" in type(link).__name__ for link in chain):
        return CallFailure(
            FailureKind.TIMEOUT,
            f"{callee}: no whole answer within {callee.timeout_s:g} s; raise `timeout_s` or lower `concurrency`",
        )
    if any(isinstance(link, socket.gaierror) for link in chain):
        host = urlsplit(callee.url).hostname
        return CallFailure(
            FailureKind.UNREACHABLE, f"{callee}: the host {host} is unknown; mend `{callee.setting}` or the network"
        )
    if any(isinstance(link, ConnectionRefusedError) for link in chain):
        return CallFailure(FailureKind.REFUSED, f"{callee}: refused the connection; {callee.start}")
    unreachable = {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN}
    if any(isinstance(link, OSError) and link.errno in unreachable for link in chain):
        return CallFailure(FailureKind.UNREACHABLE, f"{callee}: cannot be reached; check the network and the address")
    if any(type(link).__name__ in _NO_CONNECTION for link in chain):
        said = _harmless(str(chain[-1]), callee)
        return CallFailure(FailureKind.UNREACHABLE, f"{callee}: no connection: {said}; mend `{callee.setting}`")
    if isinstance(error, ValueError):
        return torn("gave a reply that cannot be read", callee)
    return torn(f"broke off its reply ({type(chain[-1]).__name__})", callee)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yields an exception and everything that caused it."""
    seen: set[int] = set()
    waiting: list[BaseException] = [error]
    while waiting:
        link = waiting.pop(0)
        if id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        waiting += [cause for cause in (link.__cause__, link.__context__) if cause is not None]
        if isinstance(link, BaseExceptionGroup):
            waiting += link.exceptions


def said_by(body: Any) -> str:
    """Returns what an error's body says, with its type and code, which tell some failures apart; "" for HTML."""
    if isinstance(body, str) and body.lstrip().startswith("{"):
        with suppress(ValueError):
            body = json.loads(body)
    if isinstance(body, Mapping):
        inner = body.get("error", body)
        if isinstance(inner, Mapping):
            said = [inner.get(key) for key in ("message", "type", "code")]
            return " ".join(str(part) for part in said if isinstance(part, str))
        return str(inner) if isinstance(inner, str) else json.dumps(body, default=str)
    text = str(body or "")
    return "" if text.lstrip().startswith("<") else text


def _harmless(text: str, callee: Callee) -> str:
    """Returns a text of the endpoint's on one line, short, and without the key."""
    key = os.environ.get(callee.api_key_env or "", "")
    if key:
        text = text.replace(key, "***")
    text = re.sub(r"\b(sk|key|Bearer)[-_ ][A-Za-z0-9*_-]{8,}", "***", text)
    line = " ".join(text.split())
    return line if len(line) <= 200 else line[:199] + "…"


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Returns the seconds of a `Retry-After` header, which holds seconds or a date (RFC 9110, 10.2.3)."""
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d+(\.\d+)?", value):
        return float(value)
    try:
        due = parsedate_to_datetime(value)
    except ValueError:
        return None
    due = due if due.tzinfo else due.replace(tzinfo=UTC)
    return max(0.0, (due - datetime.now(UTC)).total_seconds())
