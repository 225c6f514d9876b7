"""Runs what is measured in processes of its own, which end with the block that started them."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

from configs.errors import StackError
from infra.stack.environment import TELEMETRY_OFF

ROOT = Path(__file__).parents[2]
_END_WITHIN_S = 30.0


class TookTooLongError(StackError):
    """A process that was stopped because its time was up."""


class Running(NamedTuple):
    """A process that runs, and the file of what it says on standard error."""

    process: subprocess.Popen[str]
    said: IO[str]


def module(name: str, *arguments: object) -> list[str]:
    """Returns the command that runs a module of this package with this Python."""
    return [sys.executable, "-m", f"benchmarks.engine.{name}", *map(str, arguments)]


@contextmanager
def started(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Iterator[Running]:
    """Runs a command while the block runs; what is left of it at the end is killed."""
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **TELEMETRY_OFF, **(environment or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
        )
        try:
            yield Running(process, said)
        finally:
            process.kill()
            process.communicate()


def output(command: Sequence[str], environment: Mapping[str, str] | None = None, within_s: float = 600.0) -> str:
    """Runs a command to its end and returns what it says on standard output.

    Raises:
        TookTooLongError: it did not end in time, and was killed.
        StackError: it fails; quotes the end of what it said.
    """
    with started(command, environment) as (process, said):
        try:
            text, _ = process.communicate(timeout=within_s)
        except subprocess.TimeoutExpired:
            raise TookTooLongError(f"{' '.join(command[:4])} did not end within {within_s:.0f} s") from None
        if process.returncode:
            said.seek(0)
            raise StackError(f"{' '.join(command[:4])} ended with {process.returncode}: {said.read()[-2000:]}")
        return text


def document(
    command: Sequence[str], environment: Mapping[str, str] | None = None, within_s: float = 600.0
) -> dict[str, Any]:
    """Runs a command to its end and returns the JSON document in the last line of its standard output.

    Raises:
        StackError: it fails, or does not end in time.
    """
    found: dict[str, Any] = json.loads(output(command, environment, within_s).splitlines()[-1])
    return found


@contextmanager
def mlflow_server(folder: Path) -> Iterator[str]:
    """Runs the MLflow server of a stack of its own while the block runs; yields its address.

    Raises:
        StackError: it does not start.
    """
    with started(module("mlflow_server"), {"LIFECYCLE_HOME": str(folder)}) as (process, said):
        try:
            address = process.stdout.readline().strip() if process.stdout else ""
            if not address:
                said.seek(0)
                raise StackError(f"MLflow does not start: {said.read()[-2000:]}")
            yield address
        finally:
            # It ends when its input does, and takes the server with it; killed, it would leave it behind.
            process.communicate("", timeout=_END_WITHIN_S)
