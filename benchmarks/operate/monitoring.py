"""How long a look at very many served requests takes, and whether its memory grows with them."""

import json
import sys
from pathlib import Path
from typing import Any

from benchmarks.engine.processes import output
from benchmarks.figure import Figure, Reach, Row

_MODULE = [sys.executable, "-m", "benchmarks.operate.monitored"]


def monitoring(number: int, folder: Path, few: int, many: int) -> Row:
    """Looks at few and at many requests, each in a process of its own, and once more at the many."""
    small, large = _looked(folder / "few", few), _looked(folder / "many", many)
    again = json.loads(output([*_MODULE, "--folder", str(folder / "many")]))
    peaks = f"{small['peak_mib']:.0f} MiB at {few:,}, {large['peak_mib']:.0f} MiB at {many:,}"
    how = (
        f"{many:,} requests of a day with three passages each; four scorers that ask no model, limits, changes of "
        "metrics, drift by words, one error budget. A process of its own, its start left out of the time; without "
        "Prefect and MLflow, which get aggregates and flagged requests."
    )
    return Row(
        number,
        f"Monitoring {many:,} served requests",
        how,
        (
            Figure("seconds", large["seconds"], Reach(at_most=60), digits=1, unit=" s"),
            Figure("peak memory, × that of few", large["peak_mib"] / small["peak_mib"], Reach(at_most=1.3), note=peaks),
            Figure("requests scored by a second look", again["scored"], Reach(at_most=0), digits=0),
            Figure("seconds of that", again["seconds"], digits=1, unit=" s"),
        ),
    )


def _looked(folder: Path, requests: int) -> dict[str, Any]:
    output([*_MODULE, "--folder", str(folder), "--make", str(requests)])
    found: dict[str, Any] = json.loads(output([*_MODULE, "--folder", str(folder)]))
    return found
