"""How much is simulated."""

from typing import NamedTuple


class Sizes(NamedTuple):
    """Numbers of simulations.

    Attributes:
        gates: simulated gates of each scenario.
        runs: simulated runs to PASS.
        samples: simulated samples of each interval.
        rows: rows that statistics are timed with.
    """

    gates: int
    runs: int
    samples: int
    rows: int


FULL = Sizes(gates=2000, runs=2000, samples=10_000, rows=100_000)
QUICK = Sizes(gates=200, runs=100, samples=200, rows=5_000)
