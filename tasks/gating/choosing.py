"""Which test a claim gets: bets wherever there are looks, or scores that are more than right or wrong."""

from tasks.gating.anytime import AnytimeTest
from tasks.gating.claim import Claim
from tasks.gating.fixed import FixedTest
from tasks.statistics.anytime import Design


def chosen_test(claim: Claim, design: Design, error: float, *, stop_early: bool) -> AnytimeTest | FixedTest:
    """Returns the test of a claim.

    Graded scores are bet on in any case: of a few dozen, a t interval misses a catastrophe that is rare.

    Args:
        claim: the claim.
        design: of all rows that can be drawn.
        error: how often a wrong claim may pass.
        stop_early: whether it is looked at again and again.
    """
    graded = claim.bounded and not claim.two_valued
    return AnytimeTest(claim, design, error) if stop_early or design.whole or graded else FixedTest(claim)
