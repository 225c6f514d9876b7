"""Ports on which nothing listens."""

import secrets
import socket
from contextlib import suppress

from configs.settings import Settings

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


def stack_ports() -> dict[str, str]:
    """Returns a free port for each part of a stack of its own, as variables of the environment."""
    names = [f"LIFECYCLE_{name.upper()}" for name in Settings.model_fields if name.endswith("_port")]
    return dict(zip(names, map(str, free_ports(len(names))), strict=True))
