"""What a gate may rely on a judge for: not one that was never measured beside people, nor for what it cannot see.

A judge that rates the same answers again gives other scores. A difference that its own reruns make is no difference.
"""

from collections.abc import Callable
from typing import NamedTuple

from configs.schema.gate import Rule
from tasks.statistics.estimate import Estimate


class Instrument(NamedTuple):
    """What is known of the judge behind a metric.

    Attributes:
        unfit: why its scores decide nothing, "" where they may.
        smallest_difference: of two means over so many rows, the least that is not the judge's own noise.
    """

    unfit: str
    smallest_difference: Callable[[int], float]


def too_small(instrument: Instrument, rule: Rule, estimate: Estimate) -> str:
    """Returns why a rule against the champion claims less than its judge can see; "" where it does not.

    A margin below the judge's noise cannot be kept to, and a difference below it is neither better nor worse.

    Args:
        instrument: the judge.
        rule: a rule against the champion.
        estimate: of the difference.
    """
    floor = instrument.smallest_difference(max(estimate.n, 1))
    noise = f"the judge's own reruns differ by up to {floor:.3g} over {estimate.n} rows"
    margin = rule.not_worse_than_champion_by
    if margin is not None and margin < floor:
        return f"a margin of {margin:g} is too small to be seen: {noise}"
    if margin is None and abs(estimate.value or 0.0) < floor:
        return f"a difference of {estimate.value:+.3g} is too small to be one: {noise}"
    return ""
