"""The endpoints that are asked: 200 ms at the median, log-normal, or none at all."""

import math

from infra.simulator.behaviour import Behaviour

_MEDIAN_S, _SIGMA = 0.2, 0.3

MEAN_S = _MEDIAN_S * math.exp(_SIGMA**2 / 2)
"""Mean of the log-normal latency."""
SLOTS = 64
MANY_SLOTS = 512


def usual(slots: int = SLOTS) -> Behaviour:
    """Returns an endpoint that answers in 200 ms, log-normal with sigma 0.3, so many at once."""
    return Behaviour(latency_s=_MEDIAN_S, latency_sigma=_SIGMA, slots=slots)


def instant() -> Behaviour:
    """Returns an endpoint that answers at once: what is left is the caller's own time."""
    return Behaviour(slots=SLOTS)


def ceiling(slots: int = SLOTS) -> float:
    """Returns the calls a second that `usual` answers at most: slots over mean latency."""
    return slots / MEAN_S
