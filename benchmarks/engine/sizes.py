"""How much is measured: the sizes of the published table, and small ones that only show that it runs."""

from typing import NamedTuple


class Sizes(NamedTuple):
    """Numbers of rows, kills and seconds.

    Attributes:
        many: rows of the throughput, overhead and storm rows.
        peers: rows that the peers are asked, and that are asked again.
        endless: rows for which memory and CPU are to stay flat.
        killed: rows of the run that is killed.
        kills: how often it is killed.
        limited_s: seconds under a rate limit.
        settling_s: seconds of those in which the limit may be looked for.
    """

    many: int
    peers: int
    endless: int
    killed: int
    kills: int
    limited_s: float
    settling_s: float


FULL = Sizes(10_000, 1_000, 100_000, 2_000, 30, 90.0, 10.0)
QUICK = Sizes(1_000, 200, 3_000, 500, 5, 25.0, 10.0)
