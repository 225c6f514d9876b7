"""Serves a simulated endpoint: `python -m infra.simulator --port 8090 --set latency_s=0.7 slots=512`."""

import argparse
import asyncio
import os
import signal
import sys
from pathlib import Path

from configs.errors import LifecycleError
from infra.simulator.behaviour import Behaviour, read_behaviour, with_settings
from infra.simulator.listening import address_of, listen
from infra.simulator.server import serving


def main() -> None:
    """Serves until it is stopped, and says where on standard output."""
    parser = argparse.ArgumentParser(prog="python -m infra.simulator", description="A model endpoint that pretends.")
    parser.add_argument("--port", type=int, required=True, help="port on 127.0.0.1; a free one where 0")
    parser.add_argument("--behaviour", type=Path, help="YAML file; answers without a fault where not given")
    parser.add_argument("--set", action="extend", nargs="+", default=[], metavar="KEY=VALUE", help="a key set anew")
    parser.add_argument("--until-input-ends", action="store_true", help="end when standard input, a pipe, does")
    arguments = parser.parse_args()
    behaviour = read_behaviour(arguments.behaviour) if arguments.behaviour else Behaviour()
    asyncio.run(_serve(with_settings(behaviour, arguments.set), arguments.port, arguments.until_input_ends))


async def _serve(behaviour: Behaviour, port: int, until_input_ends: bool) -> None:
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    if until_input_ends:
        loop.add_reader(sys.stdin.fileno(), _read_input, stopped)
    with listen(port) as listening:
        async with serving(behaviour, listening):
            sys.stdout.write(f"{address_of(listening)}\n")
            sys.stdout.flush()
            await stopped.wait()


def _read_input(stopped: asyncio.Event) -> None:
    if not os.read(sys.stdin.fileno(), 4096):
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        stopped.set()


if __name__ == "__main__":
    try:
        main()
    except LifecycleError as error:
        sys.exit(f"error: {error}")
