"""Keeps pages of other sites out: a browser sends for them what it can reach, and loopback is what it can reach."""

import ipaddress
import re
from collections.abc import Callable

from aiohttp import web

from tasks.serving.protocol import ProtocolError

_PORT = re.compile(r":\d*$")
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


class Origins:
    """Looks at what browsers say of the page that asks. Where a key is needed nothing is looked at: a page has none.

    Args:
        open_to_all: returns whether nobody needs a key now.
    """

    def __init__(self, open_to_all: Callable[[], bool]) -> None:
        self._open_to_all = open_to_all
        self._names: frozenset[str] | None = None

    def bound(self, host: str) -> None:
        """Is told the address that is listened on: on loopback only names of loopback are answered to.

        Else a page could have its own name stand for 127.0.0.1, and read what it then asks of itself.
        """
        if _is_loopback(host):
            self._names = frozenset({*_LOOPBACK, f"[{host}]" if ":" in host else host.lower()})

    def check(self, request: web.Request) -> None:
        """Refuses what another site's page asks; programs that are no browser send none of what is looked at.

        What is only read passes: the browser keeps it from the page, and a link to the chat page may be followed.

        Raises:
            ProtocolError: 403.
        """
        host = request.headers.get("host", "").lower()
        if self._names is not None and host and _PORT.sub("", host) not in self._names and self._open_to_all():
            message = f"{host[:80]!r} is no name of loopback; ask 127.0.0.1, or make a key: `lifecycle keys add NAME`"
            raise ProtocolError(403, message, "not_local")
        if request.method not in ("GET", "HEAD") and _is_of_another_site(request, host) and self._open_to_all():
            message = "the page of another site may not ask while no key is needed; make one: `lifecycle keys add NAME`"
            raise ProtocolError(403, message, "cross_origin")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _is_of_another_site(request: web.Request, host: str) -> bool:
    """Returns whether a browser says so; one that is too old to say from where tells the page's origin."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = request.headers.get("origin")
    return origin is not None and origin.lower().partition("://")[2] != host
