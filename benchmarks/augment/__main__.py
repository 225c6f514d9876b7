"""Measures augmenting: `python -m benchmarks.augment [--only 3 4] [--quick] [--data PATH]`."""

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from benchmarks.augment.banking77 import banking77
from benchmarks.augment.intents import Query, read_queries
from benchmarks.augment.killed import killed
from benchmarks.augment.rebuild import rebuild
from benchmarks.augment.sample_app import sample_app
from benchmarks.augment.served import served
from benchmarks.augment.speed import speed
from benchmarks.figure import Row, not_measured
from benchmarks.machine import versions
from benchmarks.page import PAGES, show, write
from configs.errors import DataError, LifecycleError


class _Given(NamedTuple):
    """What a row is made with.

    Attributes:
        folder: a fresh one.
        quick: whether sizes are small.
        queries: of Banking77; None where nobody said where they lie.
    """

    folder: Path
    quick: bool
    queries: tuple[Query, ...] | None


_ROWS: dict[int, Callable[[_Given], Row]] = {
    1: lambda given: sample_app(given.folder, given.quick),
    2: lambda given: banking77(given.folder, given.queries, given.quick),
    3: lambda given: speed(given.folder, 3 if given.quick else 20),
    4: lambda given: served(given.folder, 5 if given.quick else 100, 4 if given.quick else 40),
    5: lambda given: rebuild(5, *((200, 3) if given.quick else (10_000, 10))),
    6: lambda given: killed(given.folder, 1 if given.quick else 5, 6 if given.quick else 24),
}

_TITLE = "Augmenting: what is trained, what is served, what is done again"
_PACKAGES = ("genai-lifecycle", "torch", "transformers", "peft", "xllamacpp", "numpy", "scikit-learn")


def main() -> int:
    """Measures, shows the table, writes the page, and returns 0 where every row was reached, else 1."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.augment", description=__doc__)
    parser.add_argument("--only", type=int, nargs="+", choices=_ROWS, metavar="ROW", help="these rows; no page")
    parser.add_argument("--quick", action="store_true", help="small sizes, whose figures say little; no page")
    parser.add_argument("--data", type=_queries, metavar="PATH", help="folder with Banking77's train.csv, for row 2")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))  # so that what was started is ended
    rows = [_measured(number, arguments.quick, arguments.data) for number in arguments.only or _ROWS]
    show(f"{_TITLE} (--quick: small sizes)" if arguments.quick else _TITLE, rows)
    if not arguments.quick and not arguments.only:
        about = (
            "The sample app, a public task, rows of an invented shop, and the embedded model; every ratio is of "
            "figures from this one run."
        )
        write(_TITLE, "make bench-augment", about, versions(_PACKAGES), rows, PAGES / "augment.md")
    return 0 if all(row.reached for row in rows) else 1


def _measured(number: int, quick: bool, queries: tuple[Query, ...] | None) -> Row:
    """Measures a row; what fails is a row that is not reached, and the others go on."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="bench-augment-") as folder:
        try:
            row = _ROWS[number](_Given(Path(folder), quick, queries))
        except LifecycleError as error:
            row = not_measured(number, error)
    said = "reached" if row.reached else "NOT reached"
    print(f"row {number}: {said}, {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    return row


def _queries(folder: str) -> tuple[Query, ...]:
    try:
        return read_queries(Path(folder))
    except DataError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


if __name__ == "__main__":
    sys.exit(main())
