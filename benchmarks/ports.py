"""Ports on which nothing listens."""

import secrets
import socket
from contextlib import suppress

_FIRST, _LAST = 10_000, 32_000
"""Below those that Linux gives to connections: one of them could take a port before the server does that it is for."""


def free_ports(count: int) -> tuple[int, ...]:
    """Returns so many different ports of this machine that are free now."""
    found: list[int] = []
    while len(found) < count:
        port = _FIRST + secrets.randbelow(_LAST - _FIRST)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            if port not in found:
                found.append(port)
    return tuple(found)
