"""Ends connections on which no request comes: a client that sends its head byte by byte would hold one for ever."""

import asyncio
import time

from aiohttp import web

_LOOK_EVERY_S = 2.0


class Silence:
    """Knows on which connections a request has begun.

    Args:
        within_s: seconds in which the first head must be whole; between requests the server's own limit counts.
    """

    def __init__(self, within_s: float) -> None:
        self._within_s = within_s
        self._spoken: set[object] = set()

    def broken(self, request: web.BaseRequest) -> None:
        """Notes that a request has come on its connection."""
        self._spoken.add(request.protocol)

    async def watch(self, runner: web.BaseRunner) -> None:
        """Closes connections that stay silent, until it is cancelled."""
        seen: dict[object, float] = {}
        while runner.server is not None:
            connections, now = runner.server.connections, time.monotonic()
            self._spoken.intersection_update(connections)
            seen = {each: seen.get(each, now) for each in connections}
            for each in connections:
                if each not in self._spoken and now - seen[each] > self._within_s and each.transport is not None:
                    each.transport.close()
            await asyncio.sleep(min(_LOOK_EVERY_S, self._within_s))
