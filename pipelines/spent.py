"""What a stage spent; every result that asked a model carries it."""

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
