"""Waits until a server that was just started answers."""

import time

import httpx

from benchmarks.engine.processes import Running
from configs.errors import StackError

_WITHIN_S = 60.0


def wait_ready(address: str, running: Running) -> None:
    """Returns once an address answers 200.

    Raises:
        StackError: it does not within a minute, or its process has ended; quotes what that said.
    """
    deadline = time.monotonic() + _WITHIN_S
    while time.monotonic() < deadline and running.process.poll() is None:
        try:
            if httpx.get(address, timeout=2, trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    running.said.seek(0)
    raise StackError(f"{address} is not answered: {running.said.read()[-2000:]}")
