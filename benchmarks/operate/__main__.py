"""Measures the operating stage: `python -m benchmarks.operate [--only releases drift] [--quick] [--data PATH]`."""

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.augment.intents import Query, read_queries
from benchmarks.figure import Row, not_measured
from benchmarks.machine import versions
from benchmarks.operate.canary import canary
from benchmarks.operate.drift import FULL, QUICK, drift
from benchmarks.operate.endpoint import endpoint
from benchmarks.operate.kills import kills
from benchmarks.operate.monitoring import monitoring
from benchmarks.operate.releases import releases
from benchmarks.operate.topics import embedded_topics, invented_topics
from benchmarks.page import PAGES, show, write
from configs.errors import DataError, LifecycleError
from tasks.watching.vectors import WORDS

_TITLE = "Operating: what the endpoint adds, how rollouts end, what releases survive, and what is watched"
_PACKAGES = ("genai-lifecycle", "aiohttp", "fastapi", "uvicorn", "openai", "mlflow")

Measure = Callable[[Path, bool, tuple[Query, ...] | None], tuple[Row, ...]]
"""Measures in an empty folder, small where that is wanted, and on real queries where there are some."""


def _drift(folder: Path, quick: bool, queries: tuple[Query, ...] | None) -> tuple[Row, ...]:
    streams = QUICK if quick else FULL
    words = drift(7, invented_topics(), WORDS, "invented topics, compared by their words", streams)
    if queries is None:
        return (words,)
    topics = embedded_topics(queries, folder)
    return (words, drift(8, topics, "minilm", "Banking77's intents, as MiniLM embeds them", streams))


_MEASURED: dict[str, tuple[int, Measure]] = {
    "endpoint": (1, lambda _, quick, __: endpoint(2.0 if quick else 15.0)),
    "canary": (3, lambda _, quick, __: (canary(20 if quick else 200),)),
    "releases": (4, lambda folder, quick, _: (releases(folder, *((2, 6) if quick else (20, 16))),)),
    "kills": (5, lambda folder, quick, _: (kills(folder, *((6, 6) if quick else (50, 16))),)),
    "monitoring": (6, lambda folder, quick, _: (monitoring(6, folder, *((200, 500) if quick else (1_000, 10_000))),)),
    "drift": (7, _drift),
}
"""The number of the first row, and what measures it and those beside it, by name."""


def main() -> int:
    """Measures, shows the table, writes the page, and returns 0 where every row was reached, else 1."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.operate", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=_MEASURED, help="only what is named; no page")
    parser.add_argument("--quick", action="store_true", help="small sizes, whose figures say little; no page")
    parser.add_argument("--data", type=_queries, metavar="PATH", help="folder with Banking77's train.csv, for drift")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))  # so that what was started is ended
    wanted = arguments.only or _MEASURED
    rows = [row for name in _MEASURED if name in wanted for row in _rows(name, arguments.quick, arguments.data)]
    show(f"{_TITLE} (--quick)" if arguments.quick else _TITLE, rows)
    if not arguments.quick and not arguments.only:
        about = "Each figure is of one run, in which what is compared takes turns on the same machine."
        write(_TITLE, "make bench-operate", about, versions(_PACKAGES), rows, PAGES / "operate.md")
    return 0 if all(row.reached for row in rows) else 1


def _rows(name: str, quick: bool, queries: tuple[Query, ...] | None) -> tuple[Row, ...]:
    """Measures rows; what fails is a row that is not reached, and the others go on."""
    started = time.monotonic()
    number, measure = _MEASURED[name]
    with tempfile.TemporaryDirectory(prefix="bench-operate-") as folder:
        try:
            rows = measure(Path(folder), quick, queries)
        except LifecycleError as error:
            rows = (not_measured(number, error),)
    said = "reached" if all(row.reached for row in rows) else "NOT reached"
    print(f"{name}: {said}, {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    return rows


def _queries(path: str) -> tuple[Query, ...]:
    try:
        return read_queries(Path(path))
    except DataError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


if __name__ == "__main__":
    sys.exit(main())
