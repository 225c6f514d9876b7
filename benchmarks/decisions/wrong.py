"""How often a gate says PASS where its rule does not hold: the rule's mean is exactly at its bound."""

from typing import NamedTuple

import numpy as np

from benchmarks.decisions.scenarios import SCENARIOS, Scenario
from benchmarks.decisions.sizes import Sizes
from benchmarks.figure import Figure, Reach, Row
from tasks.gating.anytime import AnytimeTest
from tasks.gating.choosing import chosen_test
from tasks.gating.corrected import CorrectedTest

_LEVEL = 0.05


def wrong_passes(sizes: Sizes) -> Row:
    """Simulates gates of 95 %, looked at after every row."""
    # Three standard errors of the simulation itself are allowed.
    allowed = Reach(at_most=100 * (_LEVEL + 3 * float(np.sqrt(_LEVEL * (1 - _LEVEL) / sizes.gates))))
    figures = []
    for scenario in SCENARIOS:
        again, once = _simulated(scenario, sizes.gates)
        if scenario.labels:
            note = f"{scenario.rows:,} rows, looked at once; FAIL {once.failed:.1%}"
            figures.append(Figure(scenario.name, 100 * once.passed, allowed, unit=" %", note=note))
            continue
        note = f"{scenario.rows:,} rows; FAIL {again.failed:.1%}"
        figures.append(Figure(scenario.name, 100 * again.passed, allowed, unit=" %", note=note))
        if not scenario.whole:
            note = f"looked at once; FAIL {once.failed:.1%}"
            figures.append(Figure("", 100 * once.passed, allowed, unit=" %", note=note))
    return Row(
        1,
        "Wrong PASS at the bound, looked at after every row",
        f"{sizes.gates:,} simulated gates of one 95 % rule each, whose mean is exactly the rule's bound, by the code "
        "that decides real gates; at most 5 % may pass, and three standard errors of the simulation are allowed. The "
        "second figure of a scenario is of the same rows at a gate without `stop_early`; a judge that labels correct "
        "decides at no other.",
        tuple(figures),
    )


class _Said(NamedTuple):
    """Shares of gates that said PASS and FAIL."""

    passed: float
    failed: float


def _simulated(scenario: Scenario, gates: int) -> tuple[_Said, _Said]:
    """Returns what gates say that are looked at after every row, and what those say that are looked at once."""
    rng = np.random.default_rng(20261125)
    again, once = np.zeros(2), np.zeros(2)
    for _ in range(gates):
        claim, design = scenario.simulated(rng)
        # Evidence is looked at after every row: what counts is the most there ever was.
        test = AnytimeTest(claim, design, _LEVEL)
        again += test.holds(_LEVEL), test.broken(_LEVEL)
        corrected = claim.people is not None
        fixed = CorrectedTest(claim) if corrected else chosen_test(claim, design, _LEVEL, stop_early=False)
        once += fixed.holds(_LEVEL), fixed.broken(_LEVEL)
    return _Said(*(again / gates)), _Said(*(once / gates))
