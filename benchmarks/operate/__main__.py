"""Measures the operating stage: `python -m benchmarks.operate [--quick]`."""

import argparse
import sys

from benchmarks.machine import versions
from benchmarks.operate.endpoint import endpoint
from benchmarks.page import PAGES, show, write

_TITLE = "Operating: the endpoint beside a bare pass-through"
_PACKAGES = ("genai-lifecycle", "aiohttp", "fastapi", "uvicorn", "openai")


def main() -> int:
    """Measures, shows the table, writes the page, and returns 0 where every row was reached, else 1."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.operate", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few seconds each, whose figures say little; no page")
    arguments = parser.parse_args()
    rows = endpoint(2.0 if arguments.quick else 15.0)
    show(f"{_TITLE} (--quick)" if arguments.quick else _TITLE, rows)
    if not arguments.quick:
        about = "Each figure is of one run, in which what is compared takes turns on the same machine."
        write(_TITLE, "make bench-operate", about, versions(_PACKAGES), rows, PAGES / "operate.md")
    return 0 if all(row.reached for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
