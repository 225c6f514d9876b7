"""How many model calls a turn of the sample app's loop makes: gates that stop early beside gates that ask every row."""

import tempfile
from pathlib import Path
from typing import Any

from benchmarks.decisions.sizes import Sizes
from benchmarks.figure import Figure, Row
from benchmarks.own_stack import EVERY_ROW, lifecycle

_UNTRAINED = "loop.max_rounds=3"


def loop_calls(sizes: Sizes) -> Row:
    """Runs one turn of the sample app each way, on fresh state, with the embedded model."""
    del sizes
    fixed, early = _turn((*EVERY_ROW, _UNTRAINED)), _turn((_UNTRAINED,))
    figures = (
        Figure("every row", fixed["calls"]["made"], digits=0, note=_said(fixed)),
        Figure("stopping early", early["calls"]["made"], digits=0, note=_said(early)),
        Figure("stopping early over every row", early["calls"]["made"] / fixed["calls"]["made"], unit=" ×"),
    )
    how = (
        "`lifecycle run loop --app outfitter` on fresh state, as far as its three changes that train nothing; calls of "
        "the chat and the embedding model."
    )
    return Row(5, "Model calls of a turn of the loop", how, figures)


def _turn(changes: tuple[str, ...]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="bench-decisions-") as home:
        return lifecycle(Path(home)).run("loop", "--app", "outfitter", changes=changes)


def _said(turn: dict[str, Any]) -> str:
    return f"{turn['end']}, {turn['seconds']} s"
