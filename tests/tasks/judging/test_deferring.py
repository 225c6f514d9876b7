"""Judges asked through batch files: at their price, with the form in every line, and never a second time."""

from dataclasses import replace

import pytest

from configs.errors import EndpointError
from infra.simulator.behaviour import Behaviour, Fault, Rule
from infra.simulator.running import simulated, statistics
from tasks.calling.spend import BudgetUsedUp

from .conftest import said
from .test_pairwise import won

TEXTS = [f"answer number {number}" for number in range(12)]
SAYS_FOUR = Rule(contains="", answer=said(4))


@pytest.fixture
def rated(make_app, judge, means, answered):
    """Has a judge rate answers through batch files; returns what it said, the ledger and what the endpoint counted."""

    async def run(behaviour, name="relevance", texts=TEXTS, budget=None, address=None):
        async def rate(address):
            loaded = make_app(address, price=(1, 1), budget=budget)
            rows, answers = answered(*texts)
            asking = replace(means(loaded), deferred=True)
            found = await judge(loaded, name).rate(rows, answers, asking)
            return found, asking.spend, statistics(address)

        if address:
            return await rate(address)
        with simulated(behaviour) as new:
            return await rate(new)

    return run


async def test_no_call_is_made_and_it_costs_the_deferred_price(rated):
    found, spend, told = await rated(Behaviour(batch_s=0, rules=(SAYS_FOUR,)))
    assert [each.value for each in found] == [4.0] * 12
    assert found[0].why == "Because."
    assert (told["requests"], told["batches"], told["batch_lines"]) == (0, 1, 12)
    assert spend.price == pytest.approx((spend.input_tokens + spend.output_tokens) / 1e6 / 2)


async def test_a_later_run_asks_nothing_deferred_or_not(rated, make_app, judge, means, answered):
    with simulated(Behaviour(batch_s=0, rules=(SAYS_FOUR,))) as address:
        await rated(None, address=address)
        again, spend, told = await rated(None, address=address)
        loaded = make_app(address, price=(1, 1))
        at_once = await judge(loaded).rate(*answered(*TEXTS), means(loaded))
        assert statistics(address) == told
    assert [each.value for each in again] == [each.value for each in at_once] == [4.0] * 12
    assert (told["requests"], told["batch_lines"], spend.made) == (0, 12, 0)


async def test_the_form_travels_in_the_lines_and_an_endpoint_that_takes_none_is_sent_them_without(rated):
    found, _, told = await rated(Behaviour(batch_s=0, response_format=False, rules=(SAYS_FOUR,)))
    assert [each.value for each in found] == [4.0] * 12
    assert (told["requests"], told["batches"]) == (0, 2)


async def test_prose_is_asked_for_once_more_in_a_batch_and_then_has_failed(rated):
    found, _, told = await rated(Behaviour(batch_s=0, rules=(Rule(contains="", answer="It is fine."),)))
    assert all(isinstance(each, EndpointError) for each in found)
    assert (told["requests"], told["batches"], told["batch_lines"]) == (0, 2, 24)


async def test_both_orders_of_a_pairwise_judge_are_deferred(rated):
    draw = Rule(contains="", answer=won("tie"))
    found, _, told = await rated(Behaviour(batch_s=0, rules=(draw,)), name="preference")
    assert [each.value for each in found] == [0.0] * 12
    assert (told["requests"], told["batch_lines"]) == (0, 24)


async def test_a_line_that_came_to_nothing_is_the_instruments_failure_and_is_not_called(rated):
    fault = Fault(kind="server_error", contains="number 7")
    found, _, told = await rated(Behaviour(batch_s=0, rules=(SAYS_FOUR,), faults=(fault,)))
    failed = [at for at, each in enumerate(found) if isinstance(each, EndpointError)]
    assert failed == [7]
    assert told["requests"] == 0


async def test_what_expired_and_what_the_budget_cut_off_say_so(rated):
    found, _, _ = await rated(Behaviour(batch_s=0, batch_expire_share=1.0, rules=(SAYS_FOUR,)))
    assert "did not come to it in the 24 hours" in str(found[0])
    assert isinstance(found[0], EndpointError)
    found, _, told = await rated(Behaviour(batch_s=0, rules=(SAYS_FOUR,)), budget={"calls": 5}, texts=TEXTS[::-1])
    assert sum(isinstance(each, BudgetUsedUp) for each in found) == 7
    assert told["batch_lines"] == 5
