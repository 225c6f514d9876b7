"""Which requests chance draws: by a hash of their ids, so that it draws the same ones in every run."""

import hashlib
import math
from typing import NamedTuple


class Draw(NamedTuple):
    """How many requests are drawn, and with which probability each of them is."""

    size: int
    probability: float


def place_of(request: str) -> float:
    """Returns a request's place between 0 and 1, which says nothing of what it is or whether it has a trace."""
    return int.from_bytes(hashlib.sha256(f"harvest\n{request}".encode()).digest()[:8], "big") / 2**64


def draw_of(requests: int, share: float, at_most: int) -> Draw:
    """Returns the draw from so many requests: those with the smallest places, a simple random sample of fixed size.

    Every one of them has the same probability, size / requests, to be among them, whatever else is known of it. So the
    mean over the drawn ones, each weighted by 1 / probability over several draws, is an unbiased estimate of the mean
    over all (Horvitz and Thompson, 1952).

    Args:
        requests: to draw from.
        share: of them; rounded up.
        at_most: so many.
    """
    # The rounding of a product such as 0.07 * 100 is not to draw one more.
    size = min(at_most, math.ceil(round(share * requests, 9)))
    return Draw(size, size / requests if requests else 0.0)
