"""Who may ask the endpoint: keys, and what is left to each."""

import hmac
import ipaddress
import logging

from aiohttp import web

from tasks.serving.keys import Key, KeyRing
from tasks.serving.protocol import ProtocolError
from tasks.serving.quota import Quota
from tasks.serving.record_file import RecordError
from tasks.serving.responder import Reply

_log = logging.getLogger(__name__)


class Doorkeeper:
    """Looks at each request's key.

    Args:
        ring: keys that were given to people.
        local: the key of this machine's own processes, which has no limits.
        open_to_all: whether nobody needs a key while the ring holds none.
        quota: what is left to each key.
    """

    def __init__(self, ring: KeyRing, local: str, quota: Quota, *, open_to_all: bool) -> None:
        self._ring, self._local, self._quota, self._open = ring, local.encode(), quota, open_to_all

    @property
    def open_to_all(self) -> bool:
        """Whether nobody needs a key."""
        return self._open and not self._ring.needed

    def key_of(self, request: web.Request) -> Key | None:
        """Returns the key that a request was sent with; None where it needs none, or is this machine's own.

        Raises:
            ProtocolError: 401; it needs one, and has none or a wrong one.
        """
        sent = _sent(request)
        if sent is not None:
            if self._is_local(sent):
                return None
            if (key := self._ring.find(sent)) is not None:
                return key
        if self.open_to_all:
            return None
        raise ProtocolError(401, "wrong or missing key: send `Authorization: Bearer …`", "invalid_api_key")

    def check_local(self, request: web.Request) -> None:
        """Refuses a request that is not of a process of this machine: by its key, or its address where none is needed.

        Raises:
            ProtocolError: 401 or 403.
        """
        if self.is_local(request):
            return
        if not self.open_to_all:
            raise ProtocolError(401, "wrong or missing key: send `Authorization: Bearer …`", "invalid_api_key")
        if request.remote is None or not ipaddress.ip_address(request.remote).is_loopback:
            raise ProtocolError(403, "only a process of this machine may do this", "not_local")

    def is_local(self, request: web.Request) -> bool:
        """Returns whether a request was sent with the key of this machine's own processes."""
        sent = _sent(request)
        return sent is not None and self._is_local(sent)

    async def begin(self, key: Key | None) -> None:
        """Counts a request.

        Raises:
            ProtocolError: 429; one of the key's limits is reached. 503; what it has spent before cannot be read.
        """
        if key is None:
            return
        try:
            await self._quota.begin(key)
        except RecordError as error:
            _log.error("%s", error)
            raise ProtocolError(503, "what this key has spent cannot be read; try again", "not_readable") from error

    def used(self, key: Key | None, reply: Reply) -> None:
        """Notes what an answer took."""
        usage = reply.answer.usage
        self.spent(key, usage.input + usage.output, reply.answer.price or 0.0)

    def spent(self, key: Key | None, tokens: int, price: float) -> None:
        """Notes tokens, and US dollars."""
        if key is not None:
            self._quota.used(key, tokens, price)

    def _is_local(self, sent: str) -> bool:
        return hmac.compare_digest(sent.encode("utf-8", "surrogateescape"), self._local)


def _sent(request: web.Request) -> str | None:
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    return given.strip() if scheme.lower() == "bearer" and given.strip() else None
