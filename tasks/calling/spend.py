"""The ledger of one command: what was called, what that cost, and where it must stop."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from configs.errors import LifecycleError
from configs.schema.app import Budget
from tasks.calling.answer import Usage


class BudgetUsedUp(LifecycleError):  # noqa: N818 an end that was asked for
    """A call that the budget, or what has become of the endpoint, does not allow any more."""


class Most(NamedTuple):
    """What one request can use at most: US dollars, and tokens sent and generated."""

    price: float = 0.0
    tokens: int = 0


@dataclass
class Bill:
    """What one request turned out to use; `usage` stays None where it failed, `price` where it has none."""

    usage: Usage | None = None
    price: float | None = None


_COUNTED = (
    "made",
    "reused",
    "failed",
    "skipped",
    "input_tokens",
    "output_tokens",
    "cached_tokens",
    "price",
    "expected_calls",
    "expected_price",
)


@dataclass
class Spend:
    """Calls, tokens and price so far, under the caps of a budget; shared by everything one command asks.

    Attributes:
        budget: the caps.
        made: requests sent, each try counted.
        reused: rows answered by the journal or by a stored evaluation.
        failed: requests that gave no usable answer.
        skipped: rows that were not asked.
        input_tokens: tokens sent.
        output_tokens: tokens generated.
        cached_tokens: tokens sent that the endpoint had cached; part of `input_tokens`.
        price: US dollars.
        expected_calls: calls that were expected before they were made.
        expected_price: US dollars that they were expected to cost.
    """

    budget: Budget
    made: int = 0
    reused: int = 0
    failed: int = 0
    skipped: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    price: float = 0.0
    expected_calls: int = 0
    expected_price: float = 0.0
    _in_flight: float = field(default=0.0, repr=False)
    _tokens_in_flight: int = field(default=0, repr=False)
    _started: float = field(default_factory=time.monotonic, repr=False)

    @contextmanager
    def request(self, at_most: Most = Most()) -> Iterator[Bill]:  # noqa: B008 a tuple
        """Counts one request, which the block sends, and what the block writes on its bill.

        Args:
            at_most: what it can use. That is held while it is in flight: many at once never pass a cap.

        Raises:
            BudgetUsedUp: it would pass a cap; nothing is counted or sent.
        """
        if end := self.time_is_up():
            raise BudgetUsedUp(end)
        if self.made >= self.budget.calls:
            raise BudgetUsedUp(
                f"not asked: the budget of {self.budget.calls} calls is used up; raise `budget.calls` in app.yaml"
            )
        if at_most.price and self.price + self._in_flight + at_most.price > self.budget.price:
            raise BudgetUsedUp(
                f"not asked: it could pass the budget of {self.budget.price:g} US dollars; "
                f"raise `budget.price` in app.yaml"
            )
        tokens = self.input_tokens + self.output_tokens + self._tokens_in_flight + at_most.tokens
        if self.budget.tokens is not None and tokens > self.budget.tokens:
            raise BudgetUsedUp(
                f"not asked: it could pass the budget of {self.budget.tokens} tokens; raise `budget.tokens` in app.yaml"
            )
        self.made += 1
        self._in_flight += at_most.price
        self._tokens_in_flight += at_most.tokens
        bill = Bill()
        try:
            yield bill
        finally:
            self._in_flight -= at_most.price
            self._tokens_in_flight -= at_most.tokens
            self._settle(bill)

    @contextmanager
    def part(
        self, calls: int | None = None, price: float | None = None, tokens: int | None = None
    ) -> Iterator["Spend"]:
        """Yields the ledger of a part of the command, to which nothing else is asked meanwhile.

        It ends at its own caps and at what is left of this one's; what it counts is counted here in the end.

        Args:
            calls: requests at most; what is left where not given, as with the others.
            price: US dollars at most.
            tokens: tokens at most.
        """
        used = self.input_tokens + self.output_tokens
        left = {
            "calls": _least(calls, self.budget.calls - self.made),
            "price": _least(price, self.budget.price - self.price),
            "tokens": _least(tokens, None if self.budget.tokens is None else self.budget.tokens - used),
        }
        part = Spend(self.budget.model_copy(update=left), _started=self._started)
        try:
            yield part
        finally:
            for name in _COUNTED:
                setattr(self, name, getattr(self, name) + getattr(part, name))

    def time_is_up(self) -> str:
        """Returns why nothing more is asked where the budget's minutes are over, else ""."""
        if self.budget.minutes is None or time.monotonic() - self._started < self.budget.minutes * 60:
            return ""
        most = f"{self.budget.minutes:g} minutes"
        return f"not asked: the budget of {most} is used up; raise `budget.minutes` in app.yaml"

    def seconds_for_a_row(self) -> float:
        """Returns how long a row that begins now may take."""
        if self.budget.minutes is None:
            return self.budget.seconds_per_row
        left = self.budget.minutes * 60 - (time.monotonic() - self._started)
        return max(0.0, min(self.budget.seconds_per_row, left))

    def reuse(self, rows: int = 1) -> None:
        """Counts rows that needed no call."""
        self.reused += rows

    def as_dict(self) -> dict[str, Any]:
        """Returns the ledger for JSON: `calls`, `tokens`, `price` and `budget`."""
        return {
            "calls": {"made": self.made, "reused": self.reused, "failed": self.failed, "skipped": self.skipped},
            "tokens": {"input": self.input_tokens, "output": self.output_tokens, "cached": self.cached_tokens},
            "price": self.price,
            "expected": {"calls": self.expected_calls, "price": self.expected_price},
            "budget": self.budget.model_dump(include={"calls", "price", "tokens", "minutes"}),
        }

    def _settle(self, bill: Bill) -> None:
        if bill.usage is None:
            self.failed += 1
            return
        self.input_tokens += bill.usage.input
        self.output_tokens += bill.usage.output
        self.cached_tokens += bill.usage.cached
        self.price += bill.price or 0.0


def _least(*caps: float | None) -> float | None:
    """Returns the smallest of the caps that are set, None where none is; one that is used up is 0."""
    found = [cap for cap in caps if cap is not None]
    return max(0, min(found)) if found else None
