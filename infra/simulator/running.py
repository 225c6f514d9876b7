"""Runs a simulated endpoint inside a test or a benchmark, and asks it what it has seen."""

import asyncio
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

import httpx
import orjson

from configs.errors import StackError
from infra.simulator.behaviour import Behaviour
from infra.simulator.listening import address_of, listen
from infra.simulator.server import serving

_START_WITHIN_S = 20.0


@contextmanager
def simulated(behaviour: Behaviour | None = None, port: int = 0) -> Iterator[str]:
    """Runs an endpoint on loopback, in a thread, while the block runs; yields its base address, which ends in `/v1`.

    Args:
        behaviour: what it does; answers by default, without a fault.
        port: where it listens; a free port where 0.

    Raises:
        StackError: the port is taken, or the endpoint does not start.
    """
    with listen(port) as listening:
        loop = asyncio.new_event_loop()
        started, stopped = threading.Event(), asyncio.Event()

        def run() -> None:
            with asyncio.Runner(loop_factory=lambda: loop) as runner:
                runner.run(_serve(behaviour or Behaviour(), listening, started, stopped))

        thread = threading.Thread(target=run, daemon=True, name="simulator")
        thread.start()
        try:
            if not started.wait(_START_WITHIN_S):
                raise StackError("the simulated endpoint does not start; run `python -m infra.simulator` to see why")
            yield address_of(listening)
        finally:
            if thread.is_alive():
                loop.call_soon_threadsafe(stopped.set)
            thread.join(_START_WITHIN_S)


@contextmanager
def simulated_process(behaviour: Behaviour | None = None, port: int = 0) -> Iterator[str]:
    """Runs an endpoint as `simulated` does, in a process of its own, which ends with the block or with this process.

    Raises:
        StackError: the port is taken, or the endpoint does not start.
    """
    command = [sys.executable, "-m", "infra.simulator", "--port", str(port), "--until-input-ends"]
    with tempfile.TemporaryFile() as said, ExitStack() as running:
        # Deleted as soon as the endpoint runs: nothing stays behind where this process is killed.
        with tempfile.TemporaryDirectory(prefix="simulator-") as folder:
            # JSON is YAML.
            written = Path(folder, "behaviour.yaml")
            written.write_bytes(orjson.dumps((behaviour or Behaviour()).model_dump(mode="json")))
            process = running.enter_context(
                subprocess.Popen(  # noqa: S603 - the arguments are ours
                    [*command, "--behaviour", str(written)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said
                )
            )
            running.callback(_end, process)
            address = _address_said(process, said)
        yield address


def calls(address: str) -> dict[str, int]:
    """Returns how many requests an endpoint has had, by route: `{"/v1/chat/completions": 3}`."""
    found: dict[str, int] = _told(address, "calls")
    return found


def requests(address: str) -> list[dict[str, Any]]:
    """Returns the bodies of the newest chat requests that an endpoint has had, in their order."""
    found: list[dict[str, Any]] = _told(address, "requests")
    return found


def statistics(address: str) -> dict[str, Any]:
    """Returns what came of the requests that an endpoint has had; the keys are those of `Statistics.told`."""
    found: dict[str, Any] = _told(address, "statistics")
    return found


def reset(address: str) -> None:
    """Lets an endpoint forget the requests that it has had."""
    httpx.post(f"{address.removesuffix('/v1')}/simulator/reset", trust_env=False).raise_for_status()


def _told(address: str, what: str) -> Any:
    return httpx.get(f"{address.removesuffix('/v1')}/simulator/{what}", trust_env=False).raise_for_status().json()


async def _serve(
    behaviour: Behaviour, listening: socket.socket, started: threading.Event, stopped: asyncio.Event
) -> None:
    async with serving(behaviour, listening):
        started.set()
        await stopped.wait()


def _address_said(process: subprocess.Popen[bytes], said: IO[bytes]) -> str:
    address = process.stdout.readline().decode().strip() if process.stdout else ""
    if not address:
        process.wait(_START_WITHIN_S)
        said.seek(0)
        reason = said.read().decode().strip().splitlines() or ["it said nothing"]
        raise StackError(f"the simulated endpoint does not start: {reason[-1].removeprefix('error: ')}")
    httpx.get(f"{address.removesuffix('/v1')}/health", trust_env=False, timeout=_START_WITHIN_S).raise_for_status()
    return address


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_START_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
