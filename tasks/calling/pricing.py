"""What calls cost, and how much one can cost at most."""

from collections.abc import Iterable

from configs.errors import ConfigurationError
from configs.loading import LoadedApp
from configs.schema.model import Price
from tasks.calling.answer import Usage
from tasks.calling.spend import Most
from tasks.journal.journal import Journal

_TOKENS_AROUND_A_TEXT = 16
"""Tokens that a chat template may put around one message."""
BYTES_A_TOKEN = 4
"""Of common texts, about."""


def price_needed(loaded: LoadedApp, model: str) -> Price:
    """Returns a model's price; nothing for one that the budget lets go without.

    Raises:
        ConfigurationError: it has none, so that the budget's cap on the price could not be kept.
    """
    if model in loaded.prices:
        return loaded.prices[model]
    if model in loaded.app.budget.unpriced:
        return Price(input=0, output=0)
    raise ConfigurationError(
        f"model {model} has no price, and the app's budget is capped at {loaded.app.budget.price:g} US dollars; "
        f"set its price in a prices.yaml beside app.yaml, or in configs/prices.yaml (0 where it costs nothing), "
        f"or name it under `budget.unpriced` to ask it without"
    )


def price_of(usage: Usage, price: Price, *, deferred: bool = False) -> float:
    """Returns what the tokens of a call cost, in US dollars; `usage.cached` is part of `usage.input`."""
    cached = price.input if price.cached_input is None else price.cached_input
    fresh = max(0, usage.input - usage.cached)
    at_once = (fresh * price.input + usage.cached * cached + usage.output * price.output) / 1e6
    return at_once * price.deferred if deferred else at_once


def expected_tokens(texts: Iterable[str]) -> float:
    """Returns how many tokens some texts probably are: a quarter of their bytes."""
    return sum(len(text.encode()) for text in texts) / BYTES_A_TOKEN


def usual_answer(journal: Journal, model: str, max_tokens: int) -> float:
    """Returns the tokens of a model's answer: as many as it has answered with before on the mean, else the most."""
    before = [usage for usage in journal.usage() if usage.model == model and usage.kind in ("chat", "deferred")]
    calls = sum(usage.calls for usage in before)
    return sum(usage.output for usage in before) / calls if calls else max_tokens


def most(texts: Iterable[str], max_tokens: int, price: Price | None) -> Most:
    """Returns what a call can use at most: no tokenizer makes more tokens of a text than it has bytes."""
    tokens = sum(len(text.encode()) + _TOKENS_AROUND_A_TEXT for text in texts)
    dollars = (tokens * price.input + max_tokens * price.output) / 1e6 if price else 0.0
    return Most(dollars, tokens + max_tokens)
