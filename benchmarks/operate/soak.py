"""Half of what the endpoint can answer, for long: `python -m benchmarks.operate.soak [--minutes 15]`."""

import argparse
import math
import signal
import sqlite3
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import httpx

from benchmarks.engine.processes import document
from benchmarks.figure import Figure, Reach, Row, not_measured
from benchmarks.machine import versions
from benchmarks.operate.growth import growth
from benchmarks.operate.memory import Memory, megabytes, memory_read
from benchmarks.operate.released import APP, World, released
from benchmarks.page import PAGES, show, write
from configs.errors import LifecycleError, StackError
from configs.settings import settings
from infra.simulator.behaviour import Behaviour
from infra.simulator.running import simulated_process

_TITLE = "Soak: the endpoint at half of what it can answer"
_PACKAGES = ("genai-lifecycle", "aiohttp", "mlflow")
_UPSTREAM = Behaviour(latency_s=0.05, slots=4096, keep_requests=0)
_CAPACITY_S = 20.0
_CONNECTIONS = 64
_SHARE = 0.5
_MINUTES = 15.0
_WINDOWS = 30
_LOOKED_AT_WITHIN_S = 180.0
_MOST_MEMORY = 5.0
_MOST_LATENCY = 10.0


def soak(home: Path, minutes: float) -> Row:
    """Asks for so long, and looks whether memory or latency grow.

    Args:
        home: an empty folder.
        minutes: how long, after the capacity was measured.
    """
    seconds = 60.0 * minutes
    with simulated_process(_UPSTREAM) as upstream, released(home, upstream, ("endpoint",)) as world:
        address = [sys.executable, "-m", "benchmarks.operate.load", world.address]
        closed = ["--connections", str(_CONNECTIONS), "--seconds", str(min(_CAPACITY_S, seconds))]
        capacity = document([*address, *closed])["rate"]
        _wait_until_looked_at()
        _wait_until_recorded(world)
        before = _count("1")
        open_loop = ["--rate", str(_SHARE * capacity), "--seconds", str(seconds), "--windows", str(_WINDOWS)]
        with memory_read(world) as memory:
            asked = document([*address, *open_loop], within_s=seconds + 300.0)
        _wait_until_recorded(world)
        lost = max(0, asked["answered"] - (_count("1") - before))
        waiting = _count("flags IS NULL")
    how = (
        f"An upstream that answers after {1000 * _UPSTREAM.latency_s:.0f} ms; MLflow and `lifecycle serve` are "
        f"processes of their own. First {_CONNECTIONS} connections say what the endpoint can answer, then, "
        f"once the process beside it has begun to look at them, it is asked at half of that for {minutes:g} minutes, "
        "open loop. Growth is that of Theil and Sen's line, as a share of the median, from a fifth of the way on: "
        f"through the latencies of {_WINDOWS} equal parts of that time, and through the memory of each second."
    )
    failed = ", ".join(f"{count} × {what}" for what, count in asked["failed"].items())
    figures = (
        Figure("requests a second", asked["rate"], digits=0, note=f"half of {capacity:,.0f}/s"),
        Figure("answers", asked["answered"], Reach(at_least=1), digits=0),
        Figure("requests that failed", sum(asked["failed"].values()), Reach(at_most=0), digits=0, note=failed),
        Figure("answers that are not recorded", lost, Reach(at_most=0), digits=0),
        *(_latency(asked["windows"], name, most) for name, most in (("p50", _MOST_LATENCY), ("p99", None))),
        *_memory(memory),
        Figure("recorded requests that were not looked at yet", waiting, digits=0),
    )
    return Row(1, "Half of what it can answer, for long", how, figures)


def _latency(windows: Sequence[dict[str, float | None]], name: str, most: float | None) -> Figure:
    known = [1000 * value for each in windows if (value := each[name]) is not None]
    note = f"{known[0]:.1f} ms at the beginning, {known[-1]:.1f} ms at the end" if known else ""
    return _grown(f"growth of the latency, {name}", known, most, note)


def _memory(memory: Memory) -> tuple[Figure, ...]:
    named = (
        ("endpoint", "growth of the endpoint's memory", _MOST_MEMORY),
        ("beside", "growth of the memory of the process beside it", _MOST_MEMORY),
        ("mlflow", "growth of MLflow's memory", None),
    )
    return tuple(_grown(what, memory.read[name], most, megabytes(memory.read[name])) for name, what, most in named)


def _grown(what: str, values: Sequence[float], most: float | None, note: str) -> Figure:
    """Returns a growth in percent; one that could not be measured is not reached."""
    found = growth(values)
    told = f"{note}; {found.told}" if found else f"{note}; too few values"
    return Figure(what, 100 * found.share if found else math.nan, Reach(at_most=most), digits=1, unit=" %", note=told)


def _wait_until_recorded(world: World) -> None:
    """Returns once all that was answered is on the disk."""
    while httpx.get(f"{world.address}/requests/none", timeout=60, trust_env=False).status_code == 503:  # it is behind
        time.sleep(1.0)


def _wait_until_looked_at() -> None:
    """Returns once the process beside the endpoint has loaded what it looks at requests with: memory that is no leak.

    Raises:
        StackError: it has not looked at any.
    """
    deadline = time.monotonic() + _LOOKED_AT_WITHIN_S
    while not _count("flags IS NOT NULL"):
        if time.monotonic() > deadline:
            raise StackError(
                f"no request was looked at within {_LOOKED_AT_WITHIN_S:.0f} s; see the log of the endpoint"
            )
        time.sleep(1.0)


def _count(condition: str) -> int:
    with closing(sqlite3.connect(settings().folder("served") / f"{APP}.db")) as database:
        query = f"SELECT count(*) FROM served WHERE {condition}"  # noqa: S608 a constant
        return int(database.execute(query).fetchone()[0])


def main() -> int:
    """Measures, shows the table, writes the page of a full run, and returns 0 where all was reached, else 1."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.operate.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=_MINUTES, help="how long; no page where it is less than 15")
    minutes = parser.parse_args().minutes
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))  # so that what was started is ended
    with tempfile.TemporaryDirectory(prefix="bench-soak-") as folder:
        try:
            row = soak(Path(folder), minutes)
        except LifecycleError as error:
            row = not_measured(1, error)
    show(_TITLE, [row])
    if minutes >= _MINUTES:
        write(_TITLE, "make bench-soak", "", versions(_PACKAGES), [row], PAGES / "soak.md")
    return 0 if row.reached else 1


if __name__ == "__main__":
    sys.exit(main())
