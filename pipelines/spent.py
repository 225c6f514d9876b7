"""What a stage spent; every result that asked a model carries it."""

from typing import Any

from configs.schema.base import Frozen


class Spent(Frozen):
    """Calls, tokens and price of one command, and the caps it ran under."""

    calls: dict[str, int]
    """`made`, `reused`, `failed`, `skipped`."""
    tokens: dict[str, int]
    """`input`, `output`, `cached`."""
    price: float
    """US dollars."""
    expected: dict[str, float]
    """`calls` and `price` as they were estimated before anything was asked."""
    budget: dict[str, float | None]
    """`calls`, `price`, `tokens` and `minutes` at most; None for any number."""

    def within(self, whole: dict[str, Any]) -> dict[str, Any]:
        """Returns what a stage spent, with this stage's that ran within it; the caps are the whole's own."""
        both = {key: _added(whole[key], getattr(self, key)) for key in ("calls", "tokens", "expected")}
        return {**whole, **both, "price": whole["price"] + self.price}


def _added(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    return {key: value + other[key] for key, value in one.items()}
