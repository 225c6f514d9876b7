"""Measures augmenting: `python -m benchmarks.augment [--only 3 4] [--quick]`."""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.augment.killed import killed
from benchmarks.augment.rebuild import rebuild
from benchmarks.augment.served import served
from benchmarks.augment.speed import speed
from benchmarks.figure import Row
from benchmarks.machine import versions
from benchmarks.page import PAGES, show, write

_ROWS: dict[int, Callable[[Path, bool], Row]] = {
    3: lambda folder, quick: speed(folder, 3 if quick else 20),
    4: lambda folder, quick: served(folder, 5 if quick else 100, 4 if quick else 40),
    5: lambda _, quick: rebuild(5, *((200, 3) if quick else (10_000, 10))),
    6: lambda folder, quick: killed(folder, 1 if quick else 5, 6 if quick else 24),
}
"""By the number of its row: a fresh folder and whether sizes are small make it."""

_TITLE = "Augmenting: what is trained, what is served, what is done again"
_PACKAGES = ("genai-lifecycle", "torch", "transformers", "peft", "xllamacpp", "numpy")


def main() -> int:
    """Measures, shows the table, writes the page, and returns 0 where every row was reached, else 1."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.augment", description=__doc__)
    parser.add_argument("--only", type=int, nargs="+", choices=_ROWS, metavar="ROW", help="these rows; no page")
    parser.add_argument("--quick", action="store_true", help="small sizes, whose figures say little; no page")
    arguments = parser.parse_args()
    rows = [_measured(number, arguments.quick) for number in arguments.only or _ROWS]
    show(f"{_TITLE} (--quick: small sizes)" if arguments.quick else _TITLE, rows)
    if not arguments.quick and not arguments.only:
        about = "Rows of an invented shop, and the embedded model; every ratio is of figures from this one run."
        write(_TITLE, "make bench-augment", about, versions(_PACKAGES), rows, PAGES / "augment.md")
    return 0 if all(row.reached for row in rows) else 1


def _measured(number: int, quick: bool) -> Row:
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="bench-augment-") as folder:
        row = _ROWS[number](Path(folder), quick)
    said = "reached" if row.reached else "NOT reached"
    print(f"row {number}: {said}, {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    return row


if __name__ == "__main__":
    sys.exit(main())
