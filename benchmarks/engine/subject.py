"""Has the engine evaluate in a process of its own, against an endpoint that is watched."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.engine.apps import write_app
from benchmarks.engine.processes import document, module
from benchmarks.engine.watching import Watch, watching
from infra.simulator.behaviour import Behaviour
from infra.simulator.running import simulated_process


class Evaluated(NamedTuple):
    """What an evaluation's process said of itself (`evaluation.py`), and what its endpoint saw."""

    report: dict[str, Any]
    seen: Watch


def evaluated(
    folder: Path,
    behaviour: Behaviour,
    rows: int,
    label: str,
    *,
    concurrency: int | None = None,
    timeout_s: float = 60.0,
    server: str | None = None,
) -> Evaluated:
    """Evaluates so many rows once.

    Args:
        folder: a new one, for the app and all state.
        behaviour: of the endpoint.
        rows: how many.
        label: what the progress is shown as.
        concurrency: calls at once that the engine is told; it looks for them where None.
        timeout_s: seconds of a call.
        server: an MLflow server that the evaluation is recorded in; it is not recorded where None.

    Raises:
        StackError: the evaluation fails.
    """
    with simulated_process(behaviour) as address:
        app = write_app(folder / "app", address, rows, concurrency=concurrency, timeout_s=timeout_s)
        recording = ["--record"] if server else []
        with watching(address, label, rows) as seen:
            report = document(module("evaluation", app, *recording), state_of(folder, server))
    return Evaluated(report, seen)


def state_of(folder: Path, server: str | None = None) -> Mapping[str, str]:
    """Returns the variables of a process whose state is in a folder."""
    where = {"LIFECYCLE_MLFLOW_URL": server} if server else {}
    return {"LIFECYCLE_HOME": str(folder / "home"), **where}
