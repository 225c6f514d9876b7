"""A local stack of a benchmark's own: fresh state, free ports, nobody else's settings; and the command over it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.ports import stack_ports
from configs.errors import StackError

EVERY_ROW = ("gates.sample.stop_early=false", "gates.release.stop_early=false")
"""Changes with which no gate of an app stops early."""

_ROOT = Path(__file__).parents[1]
_DECIDED = (0, 3, 4)
"""Ends of a command that did its work: a gate's "no" is an answer."""


class Lifecycle(NamedTuple):
    """The command, over state and ports of its own.

    Attributes:
        environment: of its processes.
    """

    environment: dict[str, str]

    def run(self, stage: str, *options: str, changes: Sequence[str] = ()) -> dict[str, Any]:
        """Runs a stage to its end, and returns its JSON document.

        Args:
            stage: its name.
            options: such as `--app`, with their values.
            changes: `key=value` texts of `--set`.

        Raises:
            StackError: it ended with an error, which it has said on standard error.
        """
        sets = [word for change in changes for word in ("--set", change)]
        found: dict[str, Any] = json.loads(self._typed("run", stage, *options, *sets, "--json"))
        return found

    def up(self) -> None:
        """Starts the whole stack.

        Raises:
            StackError: it does not start.
        """
        self._typed("up")

    def down(self) -> None:
        """Ends the stack.

        Raises:
            StackError: it does not end.
        """
        self._typed("down")

    def _typed(self, *words: str) -> str:
        command = [sys.executable, "-m", "infra.cli.main", *words]
        done = subprocess.run(command, cwd=_ROOT, env=self.environment, stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode not in _DECIDED:
            raise StackError(f"`lifecycle {' '.join(words[:2])}` ended with {done.returncode}; what it said is above")
        return done.stdout


def lifecycle(home: Path) -> Lifecycle:
    """Returns the command over an empty folder and ports on which nothing listens."""
    return Lifecycle(own_environment(home))


def own_environment(home: Path) -> dict[str, str]:
    """Returns the environment of a stack over this folder: this process's, without what names another stack."""
    others = ("LIFECYCLE_", "PREFECT_", "MLFLOW_")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(others)}
    return {**inherited, **stack_ports(), "LIFECYCLE_HOME": str(home)}


@contextmanager
def own_stack(home: Path) -> Iterator[Lifecycle]:
    """Has the whole stack up while the block runs.

    Raises:
        StackError: it does not start or end.
    """
    own = lifecycle(home)
    try:
        own.up()
        yield own
    finally:
        own.down()
