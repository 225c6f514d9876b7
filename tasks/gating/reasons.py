"""Estimates as the reasons of a decision say them."""

from tasks.statistics.estimate import Estimate


def interval(estimate: Estimate) -> tuple[float, float]:
    """Returns the ends of an estimate's interval.

    Raises:
        ValueError: no row was scored, so that there is none.
    """
    if estimate.low is None or estimate.high is None:
        raise ValueError(f"{estimate.metric}: an estimate of no row has no interval")
    return estimate.low, estimate.high


def numbers(estimate: Estimate) -> str:
    """Returns value, interval and number of rows, to three digits: `0.45 [0.31, 0.599] n=30`."""
    low, high = interval(estimate)
    return f"{estimate.value:.3g} [{low:.3g}, {high:.3g}] n={estimate.n}"
