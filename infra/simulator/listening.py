"""The socket that a simulated endpoint listens on."""

import socket

from configs.errors import StackError


def listen(port: int) -> socket.socket:
    """Returns a socket bound on loopback; to a free port where the port is 0.

    Raises:
        StackError: the port is taken.
    """
    # Named as TCP: asyncio turns off the delay of small packets (40 ms a reply) only where the protocol is named.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", port))
    except OSError as error:
        listening.close()
        raise StackError(f"port {port} of the simulated endpoint: {error.strerror}; choose another") from None
    return listening


def address_of(listening: socket.socket) -> str:
    """Returns the base address of an endpoint on a socket, which ends in `/v1`."""
    return f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
