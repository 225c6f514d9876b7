"""What is left to chance, drawn from the seed, the request and how often it was sent: the same in any order."""

import hashlib
import math
from statistics import NormalDist
from typing import NamedTuple

_STANDARD = NormalDist()


class Sending(NamedTuple):
    """One sending of a request."""

    request: int
    """Digest of the request, of 64 bits."""
    nth: int
    """How often the request was sent so far, this time included; at least 1."""


class Sendings:
    """Counts how often each request was sent, and keeps no more of a request than its digest (about 100 bytes)."""

    def __init__(self) -> None:
        self._sent: dict[int, int] = {}

    def count(self, body: bytes) -> Sending:
        """Counts one more sending of a request, known by the bytes of its body, and returns it."""
        request = int.from_bytes(hashlib.blake2b(body, digest_size=8).digest(), "big")
        nth = self._sent[request] = self._sent.get(request, 0) + 1
        return Sending(request, nth)


def share(seed: int, sending: Sending, what: str) -> float:
    """Returns a number between 0 and 1, both excluded, evenly spread over sendings and independent between `what`s."""
    text = f"{seed} {sending.request} {sending.nth} {what}"
    drawn = hashlib.blake2b(text.encode(), digest_size=8).digest()
    # 52 bits: with one more, the half would be rounded and 1 could be drawn.
    return ((int.from_bytes(drawn, "big") >> 12) + 0.5) / 2**52


def log_normal(median: float, sigma: float, seed: int, sending: Sending) -> float:
    """Returns a latency in seconds, log-normal over sendings around the median; the median itself where sigma is 0."""
    if not median or not sigma:
        return median
    return median * math.exp(sigma * _STANDARD.inv_cdf(share(seed, sending, "latency")))
