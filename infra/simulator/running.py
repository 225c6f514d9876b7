"""Runs a simulated endpoint inside a test or a script."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import uvicorn

from configs.errors import StackError
from infra.simulator.behaviour import Behaviour
from infra.simulator.server import simulator

_START_WITHIN_S = 20.0


@contextmanager
def simulated(behaviour: Behaviour | None = None, port: int = 0) -> Iterator[str]:
    """Runs an endpoint on loopback while the block runs; yields its base address, which ends in `/v1`.

    Args:
        behaviour: what it does; answers by default, without a fault.
        port: where it listens; a free port where 0.

    Raises:
        StackError: the port is taken, or the endpoint does not start.
    """
    # Named as TCP: asyncio turns off the delay of small packets (40 ms a reply) only where the protocol is named.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", port))
    except OSError as error:
        listening.close()
        raise StackError(f"port {port} of the simulated endpoint: {error.strerror}; choose another") from None
    server = uvicorn.Server(uvicorn.Config(simulator(behaviour or Behaviour()), log_level="critical", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True, name="simulator")
    thread.start()
    try:
        _wait_until_started(server, thread)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
    finally:
        # Replies that hang on purpose never end by themselves.
        server.should_exit = server.force_exit = True
        thread.join(_START_WITHIN_S)
        listening.close()


def calls(address: str) -> dict[str, int]:
    """Returns how many requests an endpoint has had, by route: `{"/v1/chat/completions": 3}`."""
    found: dict[str, int] = _told(address, "calls")
    return found


def requests(address: str) -> list[dict[str, Any]]:
    """Returns the bodies of the chat requests that an endpoint has had, in their order."""
    found: list[dict[str, Any]] = _told(address, "requests")
    return found


def _told(address: str, what: str) -> Any:
    return httpx.get(f"{address.removesuffix('/v1')}/simulator/{what}", trust_env=False).raise_for_status().json()


def _wait_until_started(server: uvicorn.Server, thread: threading.Thread) -> None:
    waiting = threading.Event()
    for _ in range(int(_START_WITHIN_S / 0.01)):
        if server.started:
            return
        if not thread.is_alive():
            break
        waiting.wait(0.01)
    raise StackError("the simulated endpoint does not start; run `python -m infra.simulator` to see why")
