"""How many model calls a turn of the sample app's loop makes: gates that stop early beside gates that ask every row."""

import json
import os
import socket
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from typing import Any

from benchmarks.decisions.sizes import Sizes
from benchmarks.figure import Figure, Row

_PORTS = ("PREFECT", "MLFLOW", "CHAT", "EMBEDDING", "ENDPOINT", "RUNNER")
_ALL_ROWS = ("gates.sample.stop_early=false", "gates.release.stop_early=false")


def loop_calls(sizes: Sizes) -> Row:
    """Runs one turn of the sample app each way, on fresh state, with the embedded model."""
    del sizes
    fixed, early = _turn(_ALL_ROWS), _turn(())
    figures = (
        Figure("every row", fixed["calls"]["made"], digits=0, note=_said(fixed)),
        Figure("stopping early", early["calls"]["made"], digits=0, note=_said(early)),
        Figure("stopping early over every row", early["calls"]["made"] / fixed["calls"]["made"], unit=" ×"),
    )
    how = "`lifecycle run loop --app outfitter` on fresh state; calls of the chat and the embedding model."
    return Row(5, "Model calls of a turn of the loop", how, figures)


def _turn(changes: tuple[str, ...]) -> dict[str, Any]:
    command = [sys.executable, "-m", "infra.cli.main", "run", "loop", "--app", "outfitter", "--json"]
    for change in changes:
        command += ["--set", change]
    with tempfile.TemporaryDirectory(prefix="bench-decisions-") as home, ExitStack() as stack:
        held = [stack.enter_context(socket.socket()) for _ in _PORTS]
        for each in held:
            each.bind(("127.0.0.1", 0))
        ports = {f"LIFECYCLE_{name}_PORT": str(each.getsockname()[1]) for name, each in zip(_PORTS, held, strict=True)}
        stack.close()
        done = subprocess.run(
            command, env={**os.environ, **ports, "LIFECYCLE_HOME": home}, stdout=subprocess.PIPE, check=False
        )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _said(turn: dict[str, Any]) -> str:
    return f"{turn['end']}, {turn['seconds']} s"
