"""How often a gate says PASS where its rule does not hold: the rule's mean is exactly at its bound."""

import numpy as np

from benchmarks.decisions.scenarios import SCENARIOS, Scenario
from benchmarks.decisions.sizes import Sizes
from benchmarks.figure import Figure, Reach, Row
from tasks.gating.anytime import AnytimeTest
from tasks.gating.fixed import FixedTest

_LEVEL = 0.05


def wrong_passes(sizes: Sizes) -> Row:
    """Simulates gates of 95 %, looked at after every row."""
    figures = []
    for scenario in SCENARIOS:
        passed, failed, at_once = _simulated(scenario, sizes.gates)
        # Three standard errors of the simulation itself are allowed.
        allowed = _LEVEL + 3 * np.sqrt(_LEVEL * (1 - _LEVEL) / sizes.gates)
        figures.append(
            Figure(
                scenario.name,
                100 * passed,
                Reach(at_most=100 * float(allowed)),
                unit=" %",
                note=f"FAIL {failed:.1%} in {scenario.rows:,} rows; looked at once, without bets: {at_once:.1%}",
            )
        )
    return Row(
        1,
        "Wrong PASS at the bound, looked at after every row",
        f"{sizes.gates:,} simulated gates of one 95 % rule each, whose mean is exactly the rule's bound, by the code "
        "that decides real gates; at most 5 % may pass, and three standard errors of the simulation are allowed. Last "
        "in each line are the same rows by the test that a gate without `stop_early` makes.",
        tuple(figures),
    )


def _simulated(scenario: Scenario, gates: int) -> tuple[float, float, float]:
    rng = np.random.default_rng(20261125)
    passed = failed = at_once = 0
    for _ in range(gates):
        claim, design = scenario.simulated(rng)
        test = AnytimeTest(claim, design, _LEVEL)
        # Its evidence is looked at after every row; what counts is the most there ever was.
        passed += test.holds(_LEVEL)
        failed += test.broken(_LEVEL)
        at_once += FixedTest(claim).holds(_LEVEL)
    return passed / gates, failed / gates, at_once / gates
