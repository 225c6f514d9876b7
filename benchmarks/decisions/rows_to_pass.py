"""How many rows a gate takes until PASS, beside the number that a test of a fixed size is planned with."""

import numpy as np
from numpy.typing import NDArray

from benchmarks.decisions.scenarios import MARGIN, differences, margin
from benchmarks.decisions.sizes import Sizes
from benchmarks.figure import Figure, Reach, Row
from tasks.statistics.anytime import Design, drawn, evidence_above, evidence_below
from tasks.statistics.measured import Measured

_PLANNED = {0.1: 952, 0.3: 2855}
"""Rows of a fixed-size test of 5 % and power 0.9 against one margin."""
_MOST = {1: 1.1, 2: 0.26, 3: 0.12}
_LOG_LEVEL = np.log(20)


def rows_to_pass(sizes: Sizes) -> Row:
    """Simulates runs to PASS with the truth one, two and three margins inside the bound, and at it and beyond."""
    figures = []
    for discordant, planned in _PLANNED.items():
        for margins, most in _MOST.items():
            rows, settled = _run(discordant, (margins - 1) * MARGIN, sizes.runs, 6 * planned // margins)
            figures.append(
                Figure(
                    f"{discordant:.0%} discordant, {margins} margin{'s' * (margins > 1)} inside the bound",
                    rows / planned,
                    Reach(at_most=most),
                    digits=3,
                    unit=" ×",
                    note=f"{rows:,.0f} rows of {planned:,} in the mean; {settled:.1%} passed",
                )
            )
        for beyond in (0, 1, 2):
            rows, settled = _run(discordant, -(1 + beyond) * MARGIN, sizes.runs, planned, fails=True)
            where = "at the bound" if beyond == 0 else f"{beyond} margin{'s' * (beyond > 1)} beyond it"
            figures.append(
                Figure(
                    f"{discordant:.0%} discordant, {where}: to FAIL or the last of {planned:,} rows",
                    rows / planned,
                    digits=3,
                    unit=" ×",
                    note=f"{rows:,.0f} rows in the mean; {settled:.1%} failed",
                )
            )
    return Row(
        2,
        "Rows to PASS, margin 0.03, target: population",
        f"{sizes.runs:,} simulated runs each of `not_worse_than_champion_by: 0.03` at 95 %, paired differences in "
        "{-1, 0, 1}, looked at after every row; over the rows that a fixed-size test (5 %, power 0.9) is planned with "
        "for a truth one margin inside the bound.",
        tuple(figures),
    )


def _run(discordant: float, mean: float, runs: int, most: int, *, fails: bool = False) -> tuple[float, float]:
    """Returns the mean number of rows until it is settled, and the share that was before the last row."""
    rng = np.random.default_rng(20261126)
    found = np.array([_stopped(differences(discordant, mean)(rng, most), fails=fails) for _ in range(runs)])
    return float(found[:, 0].mean()), float(found[:, 1].mean())


def _stopped(values: NDArray[np.float64], *, fails: bool) -> tuple[int, bool]:
    n = values.size
    clusters = np.arange(n, dtype=np.uint64)
    claim = margin(Measured(values, np.ones(n, dtype=bool), clusters, -1.0, 1.0))
    rows = drawn(claim.rows.values, claim.rows.clusters, -1.0, 1.0)
    evidence = (evidence_below if fails else evidence_above)(rows, claim.bound, Design(n, n, 1), claim.hoped)
    reached = evidence >= _LOG_LEVEL
    return (int(np.argmax(reached)) + 1, True) if reached.any() else (n, False)
