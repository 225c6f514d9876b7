"""Measures the evaluation engine: `python -m benchmarks.engine [--only 1 3] [--quick]`."""

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.engine import again, comparison, killed, overhead, rate_limit, storm, throughput
from benchmarks.engine.bench import Bench
from benchmarks.engine.endpoints import SLOTS, ceiling
from benchmarks.engine.peers import promptfoo
from benchmarks.engine.sizes import FULL, QUICK
from benchmarks.engine.watching import say
from benchmarks.figure import Row, not_measured
from benchmarks.machine import versions
from benchmarks.page import PAGES, show, write
from configs.errors import LifecycleError

_ROWS: dict[int, Callable[[Bench], Row]] = {
    1: throughput.calls_span,
    2: throughput.whole_wall,
    3: comparison.peers,
    4: throughput.many_slots,
    5: overhead.processor,
    6: again.again,
    7: overhead.memory,
    8: storm.storm,
    9: rate_limit.rate_limit,
    10: killed.killed,
}
_TITLE = "The evaluation engine beside its peers"
_PACKAGES = ("genai-lifecycle", "openai", "aiohttp", "mlflow", "inspect-ai")


def main() -> int:
    """Measures, shows the table, writes the page, and returns 0 where every row was reached, else 1."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.engine", description=__doc__)
    parser.add_argument("--only", type=int, nargs="+", choices=_ROWS, metavar="ROW", help="these rows; no page")
    parser.add_argument("--quick", action="store_true", help="small sizes, whose figures say little; no page")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))  # so that what was started is ended
    with tempfile.TemporaryDirectory(prefix="bench-engine-") as folder:
        bench = Bench(QUICK if arguments.quick else FULL, Path(folder))
        rows = [_measured(bench, number) for number in arguments.only or _ROWS]
    show(f"{_TITLE} (--quick: small sizes)" if arguments.quick else _TITLE, rows)
    if not arguments.quick and not arguments.only:
        compared = {**versions(_PACKAGES), "promptfoo": promptfoo.version() or "not installed"}
        write(_TITLE, "make bench-engine", _about(), compared, rows, PAGES / "engine.md")
    return 0 if all(row.reached for row in rows) else 1


def _measured(bench: Bench, number: int) -> Row:
    """Measures a row; what fails is a row that is not reached, and the others go on."""
    say(f"row {number}")
    started = time.monotonic()
    try:
        row = _ROWS[number](bench)
    except LifecycleError as error:
        row = not_measured(number, error)
    say(f"row {number}: {'reached' if row.reached else 'NOT reached'}, {time.monotonic() - started:.0f} s")
    return row


def _about() -> str:
    return (
        "One simulated endpoint on the same machine, in a process of its own, answers by its slots in 200 ms "
        "(log-normal, sigma 0.3) where nothing else is said; "
        f"{SLOTS} slots answer {ceiling():.1f} calls a second at most, the ceiling. Whoever asks it runs in a process "
        "of its own too. Every ratio is of figures from this one run."
    )


if __name__ == "__main__":
    sys.exit(main())
