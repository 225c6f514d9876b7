"""What lines that are on their way can cost is held in the ledger until they come back."""

from contextlib import AbstractContextManager
from typing import NamedTuple

from tasks.calling.answer import Usage
from tasks.calling.spend import Bill, Most, Spend


class _Held(NamedTuple):
    request: AbstractContextManager[Bill]
    bill: Bill


class Holding:
    """Lines in flight, as the ledger counts them. Takes about 700 bytes a line.

    Args:
        spend: the ledger.
    """

    def __init__(self, spend: Spend) -> None:
        self._spend = spend
        self._held: dict[str, _Held] = {}

    def hold(self, key: str, at_most: Most) -> None:
        """Holds what a line can use.

        Raises:
            BudgetUsedUp: it could pass a cap.
        """
        request = self._spend.request(at_most)
        # Held across many calls, not for a block: by hand.
        self._held[key] = _Held(request, request.__enter__())

    def settle(self, key: str, usage: Usage | None, price: float | None) -> None:
        """Books what became of a line; `usage` is None where it has no answer.

        A line that a command before this one has sent is booked too, whatever the caps: it has its price already.
        """
        held = self._held.pop(key, None)
        if held is not None:
            held.bill.usage, held.bill.price = usage, price
            held.request.__exit__(None, None, None)
            return
        self._spend.made += 1
        if usage is None:
            self._spend.failed += 1
            return
        self._spend.input_tokens += usage.input
        self._spend.output_tokens += usage.output
        self._spend.cached_tokens += usage.cached
        self._spend.price += price or 0.0

    def release(self) -> None:
        """Lets go of what has not come back; it counts as failed."""
        for key in list(self._held):
            self.settle(key, None, None)
