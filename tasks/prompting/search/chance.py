"""Chance that can be had again: an order that follows from a seed and from nothing else."""

from collections.abc import Iterable
from hashlib import blake2b
from typing import TypeVar

T = TypeVar("T")


def shuffled(items: Iterable[T], *seed: int) -> list[T]:
    """Returns items in an order that a seed decides, the same on every machine."""
    drawn = enumerate(items)
    return [item for _, item in sorted(drawn, key=lambda pair: _key(pair[0], seed))]


def _key(position: int, seed: tuple[int, ...]) -> bytes:
    return blake2b(repr((position, seed)).encode(), digest_size=8).digest()
