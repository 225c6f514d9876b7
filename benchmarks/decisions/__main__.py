"""Measures the decisions: `python -m benchmarks.decisions [--only 1 3] [--quick]`."""

import argparse
import sys
import time
from collections.abc import Callable

from benchmarks.decisions.coverage import coverage
from benchmarks.decisions.loop_calls import loop_calls
from benchmarks.decisions.rows_to_pass import rows_to_pass
from benchmarks.decisions.sizes import FULL, QUICK, Sizes
from benchmarks.decisions.speed import speed
from benchmarks.decisions.wrong import wrong_passes
from benchmarks.figure import Row
from benchmarks.machine import versions
from benchmarks.page import PAGES, show, write

_ROWS: dict[int, Callable[[Sizes], Row]] = {
    1: wrong_passes,
    2: rows_to_pass,
    3: coverage,
    4: speed,
    5: loop_calls,
}
_TITLE = "Decisions: how often they are wrong, and what they cost"


def main() -> int:
    """Measures, shows the table, writes the page, and returns 0 where every row was reached, else 1."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.decisions", description=__doc__)
    parser.add_argument("--only", type=int, nargs="+", choices=_ROWS, metavar="ROW", help="these rows; no page")
    parser.add_argument("--quick", action="store_true", help="small sizes, whose figures say little; no page")
    arguments = parser.parse_args()
    rows = [_measured(number, QUICK if arguments.quick else FULL) for number in arguments.only or _ROWS]
    show(f"{_TITLE} (--quick: small sizes)" if arguments.quick else _TITLE, rows)
    if not arguments.quick and not arguments.only:
        about = "Everything but the loop is simulated with fixed seeds, by the code that decides real gates."
        compared = versions(("genai-lifecycle", "numpy", "scipy"))
        write(_TITLE, "make bench-decisions", about, compared, rows, PAGES / "decisions.md")
    return 0 if all(row.reached for row in rows) else 1


def _measured(number: int, sizes: Sizes) -> Row:
    started = time.monotonic()
    row = _ROWS[number](sizes)
    said = "reached" if row.reached else "NOT reached"
    print(f"row {number}: {said}, {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    return row


if __name__ == "__main__":
    sys.exit(main())
