"""Serves a simulated endpoint: `python -m infra.simulator --port 8090 --behaviour behaviour.yaml`."""

import argparse
import sys
from pathlib import Path

import uvicorn

from configs.errors import LifecycleError
from infra.simulator.behaviour import Behaviour, read_behaviour
from infra.simulator.server import simulator


def main() -> None:
    """Serves until it is stopped."""
    parser = argparse.ArgumentParser(prog="python -m infra.simulator", description="A model endpoint that pretends.")
    parser.add_argument("--port", type=int, required=True, help="port on 127.0.0.1")
    parser.add_argument("--behaviour", type=Path, help="YAML file; answers without a fault where not given")
    arguments = parser.parse_args()
    behaviour = read_behaviour(arguments.behaviour) if arguments.behaviour else Behaviour()
    uvicorn.run(simulator(behaviour), host="127.0.0.1", port=arguments.port, log_level="warning")


if __name__ == "__main__":
    try:
        main()
    except LifecycleError as error:
        sys.exit(f"error: {error}")
