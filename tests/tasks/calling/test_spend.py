"""The ledger of a part of a command."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs.schema.app import Budget
from tasks.calling.answer import Usage
from tasks.calling.spend import BudgetUsedUp, Most, Spend


def call(spend, tokens=10, price=0.1):
    with spend.request(Most(price, tokens)) as bill:
        bill.usage, bill.price = Usage(tokens, 0), price


CAPS = st.one_of(st.none(), st.integers(1, 12))


@given(CAPS, CAPS, CAPS, st.integers(1, 12), st.integers(1, 12), st.integers(0, 12))
def test_a_part_passes_neither_its_own_caps_nor_those_of_the_whole(calls, price, tokens, whole, dollars, before):
    spend = Spend(Budget(calls=whole, price=dollars / 10, tokens=120))
    try:
        for _ in range(before):
            call(spend)
    except BudgetUsedUp:
        pass
    made, paid, used = spend.made, spend.price, spend.input_tokens
    with (
        pytest.raises(BudgetUsedUp),
        spend.part(calls, price and price / 10, tokens and tokens * 10) as part,
    ):
        while True:
            call(part)
    assert spend.made <= whole
    assert spend.price <= dollars / 10 + 1e-9
    assert spend.input_tokens <= 120
    assert spend.made - made <= (calls or 99)
    assert spend.price - paid <= (price or 99) / 10 + 1e-9
    assert spend.input_tokens - used <= (tokens or 99) * 10


def test_what_a_part_counts_is_counted_in_the_whole_even_where_it_fails():
    spend = Spend(Budget(calls=5))
    with pytest.raises(ZeroDivisionError), spend.part(3) as part:
        call(part)
        part.reuse(2)
        raise ZeroDivisionError
    assert (spend.made, spend.reused, spend.input_tokens) == (1, 2, 10)
