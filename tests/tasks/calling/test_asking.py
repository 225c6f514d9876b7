"""Asking a candidate: every row answered once, in order, within the budget."""

import asyncio
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from configs.errors import ConfigurationError
from configs.schema.app import Parameters
from configs.schema.model import Price
from infra.simulator.behaviour import Behaviour, Fault, Rule
from infra.simulator.running import calls, requests, simulated
from tasks.calling.answer import Outcome, Passage
from tasks.calling.asking import Spend
from tasks.candidate import Example, RetrievalChoice
from tasks.data.row import Message, Row
from tasks.journal.erasing import Removed, erase
from tasks.journal.journal import Journal

CHAT = "/v1/chat/completions"


@pytest.fixture
def journal(tmp_path):
    with Journal(tmp_path / "journal.db") as opened:
        yield opened


@pytest.fixture
def asked(journal, make_candidate, ask_all):
    """Asks an app's candidate; returns answers and ledger."""

    async def run(loaded, rows, candidate=None, epoch="first", budget=None, **options):
        spend = Spend(budget or loaded.app.budget)
        asking = candidate or make_candidate(loaded)
        return await ask_all(asking, rows, loaded=loaded, journal=journal, epoch=epoch, spend=spend, **options), spend

    return run


async def test_every_row_is_told_once_with_what_it_used(make_app, make_rows, asked):
    questions = [f"question number {number}" for number in range(20)]
    with simulated() as address:
        answers, spend = await asked(make_app(address), make_rows(*questions))
    assert [answer.text for answer in answers] == questions
    first = answers[0]
    assert (first.outcome, first.attempts, first.reused, first.price) == (Outcome.OK, 1, False, 0.0)
    assert first.messages == (Message("system", "Be brief."), Message("user", "question number 0"))
    assert first.usage == (6, 3, 0)
    assert 0 < first.latency.first_token <= first.latency.total
    assert first.latency.per_output_token > 0
    assert spend.as_dict() == {
        "calls": {"made": 20, "reused": 0, "failed": 0, "skipped": 0},
        "tokens": {"input": 120, "output": 60, "cached": 0},
        "price": 0.0,
        "expected": {"calls": 0, "price": 0.0},
        "budget": {"calls": 5000, "price": 1.0, "tokens": None, "minutes": None},
    }


async def test_a_call_belongs_to_the_person_who_asked(make_app, asked, journal, tmp_path):
    rows = [Row(f"r{n}", (Message("user", f"question {n % 3}"),), user=f"user-{n}") for n in range(5)]
    with simulated() as address:
        await asked(make_app(address), rows)
        assert erase(tmp_path / "journal.db", user="user-4") == Removed(1), "asked the same as user-1"
        assert erase(tmp_path / "journal.db", user="user-1") == Removed(0)
        assert erase(tmp_path / "journal.db", user="user-2") == Removed(1)
        assert sum(usage.calls for usage in journal.usage()) == 1


async def test_asking_again_makes_no_call_and_gives_the_same(make_app, make_rows, asked):
    rows = make_rows("one", "둘", "three")
    with simulated() as address:
        loaded = make_app(address)
        before, _ = await asked(loaded, rows)
        after, spend = await asked(loaded, rows)
        assert calls(address)[CHAT] == 3
    assert after == [replace(answer, reused=True) for answer in before]
    assert (spend.made, spend.reused, spend.input_tokens) == (0, 3, 0)


async def test_a_new_epoch_asks_again(make_app, make_rows, asked):
    with simulated() as address:
        loaded = make_app(address)
        await asked(loaded, make_rows("one"))
        await asked(loaded, make_rows("one"), epoch="second")
        assert calls(address)[CHAT] == 2


@pytest.mark.parametrize(
    ("change", "made"),
    [
        ({}, 0),
        ({"parameters": Parameters(name="other-name")}, 0),
        ({"parent": "0" * 16, "move": "shorter"}, 0),
        ({"parameters": Parameters(temperature=0.5)}, 1),
    ],
)
async def test_only_what_changes_the_answer_is_asked_again(make_app, make_rows, make_candidate, asked, change, made):
    with simulated() as address:
        loaded = make_app(address)
        await asked(loaded, make_rows("one"))
        _, spend = await asked(loaded, make_rows("one"), make_candidate(loaded, **change))
    assert spend.made == made


async def test_rows_that_ask_the_same_are_asked_once(make_app, make_rows, asked):
    with simulated(Behaviour(latency_s=0.05)) as address:
        answers, spend = await asked(make_app(address), make_rows(*["same"] * 5))
        assert calls(address)[CHAT] == 1
    assert (spend.made, spend.reused) == (1, 4)
    assert {answer.text for answer in answers} == {"same"}


async def test_no_more_calls_than_the_budget_and_the_rest_is_skipped(make_app, make_rows, asked):
    with simulated() as address:
        loaded = make_app(address, budget={"calls": 3})
        rows = make_rows(*"abcdefgh")
        answers, spend = await asked(loaded, rows)
        assert calls(address)[CHAT] == 3
        assert sum(answer.outcome is Outcome.OK for answer in answers) == 3
        left = [answer for answer in answers if answer.outcome is Outcome.SKIPPED]
        assert {answer.cause for answer in left} == {
            "not asked: the budget of 3 calls is used up; raise `budget.calls` in app.yaml"
        }
        assert (spend.made, spend.skipped) == (3, 5)
        answers, _ = await asked(loaded, rows)
    assert sum(answer.outcome is Outcome.OK for answer in answers) == 6


async def test_many_calls_at_once_never_pass_the_budget_in_dollars(make_app, make_rows, asked):
    with simulated(Behaviour(latency_s=0.05)) as address:
        loaded = make_app(address, price=(1000, 1000), budget={"price": 0.2})
        answers, spend = await asked(loaded, make_rows(*(f"question {number}" for number in range(30))))
    assert 0 < spend.price <= 0.2
    assert spend.price == pytest.approx(sum(answer.price for answer in answers if answer.price))
    assert spend.skipped == sum(answer.outcome is Outcome.SKIPPED for answer in answers) > 0


async def test_a_model_without_a_price_is_refused(make_app, make_rows, asked):
    loaded = make_app("http://127.0.0.1:1/v1", price=None)
    with pytest.raises(ConfigurationError, match=r"model chat has no price.*set its price in a prices.yaml"):
        await asked(loaded, make_rows("one"))


async def test_cached_tokens_have_their_own_price(make_app, make_rows, asked):
    loaded = make_app("http://127.0.0.1:1/v1")
    prices = {"chat": Price(input=2, output=8, cached_input=1)}
    from tasks.calling.answer import Usage
    from tasks.calling.pricing import price_of

    assert price_of(Usage(input=100, output=10, cached=40), prices["chat"]) == pytest.approx((60 * 2 + 40 + 80) / 1e6)
    assert price_of(Usage(input=100, output=10, cached=40), loaded.prices["chat"]) == 0


async def test_a_failed_row_is_no_answer_and_is_asked_again(make_app, make_rows, asked):
    with simulated(Behaviour(faults=(Fault(kind="server_error", contains="two", times=1),))) as address:
        loaded = make_app(address)
        answers, spend = await asked(loaded, make_rows("one", "two", "three"))
        assert [answer.outcome for answer in answers] == [Outcome.OK, Outcome.APP_ERROR, Outcome.OK]
        assert answers[1].cause.startswith(f"model simulated at {address}: answered 500")
        assert answers[1].text == ""
        assert spend.failed == 1
        again, spend = await asked(loaded, make_rows("one", "two", "three"))
        assert [answer.text for answer in again] == ["one", "two", "three"]
        assert (spend.made, spend.reused) == (1, 2)


async def test_a_row_that_the_prompt_cannot_hold_fails_alone(make_app, make_rows, make_candidate, asked):
    rows = make_rows("one", "two")
    rows[1].columns["shop"] = {"name": "Outfitter"}
    rows[0].columns["shop"] = "Outfitter"
    with simulated() as address:
        loaded = make_app(address)
        answers, _ = await asked(loaded, rows, make_candidate(loaded, ("user", "{{shop.name}}: {{question}}")))
    assert answers[0].cause.startswith("prompt brief, user message: 'str object' has no attribute 'name'")
    assert answers[1].text == "Outfitter: two"


async def test_conversations_are_sent_whole(make_app, make_candidate, asked):
    turns = (Message("user", "Is it red?"), Message("assistant", "Yes."), Message("user", "무거운가요?"))
    with simulated() as address:
        answers, _ = await asked(make_app(address), [Row("r1", turns)])
        sent = requests(address)[0]["messages"]
    assert sent == [{"role": "system", "content": "Be brief."}, *(turn._asdict() for turn in turns)]
    assert answers[0].messages[1:] == turns


async def test_retrieved_passages_and_examples_are_sent_and_reported(make_app, make_candidate, make_rows, asked):
    found = (Passage("P1", "Weighs 2 kg.", 0.9),)
    seen = []

    def search(vector, top_k):
        seen.append((vector, top_k))
        return found

    index = SimpleNamespace(digest="i" * 16, search=search, searched=None)
    with simulated() as address:
        loaded = make_app(address)
        candidate = make_candidate(
            loaded,
            ("user", "{{documents}}\n{{question}}"),
            retrieval=RetrievalChoice(index="i" * 16, top_k=1),
            examples=(Example(row_id="e", columns={"question": "Red?"}, documents=("[P2] Red.",), answer="Yes [P2]"),),
        )
        answers, spend = await asked(loaded, make_rows("How heavy?"), candidate, index=index)
        again, spend_again = await asked(loaded, make_rows("How heavy?"), candidate, index=index)
    assert answers[0].context == again[0].context == found
    assert answers[0].text == "Weighs 2 kg. [P1]"
    assert answers[0].messages == (
        Message("user", "[P2] Red.\nRed?"),
        Message("assistant", "Yes [P2]"),
        Message("user", "[P1] Weighs 2 kg.\nHow heavy?"),
    )
    vector, top_k = seen[0]
    assert (vector.shape, vector.dtype, top_k) == ((64,), np.float32, 1)
    assert (spend.made, spend_again.made) == (2, 0)


async def test_another_index_than_the_candidates_is_refused(make_app, make_candidate, make_rows, asked):
    loaded = make_app("http://127.0.0.1:1/v1")
    candidate = make_candidate(loaded, retrieval=RetrievalChoice(index="i" * 16, top_k=1))
    with pytest.raises(ConfigurationError, match="retrieves from index iiiiiiiiiiiiiiii, given is none"):
        await asked(loaded, make_rows("x"), candidate)


async def test_an_endpoint_that_does_not_count_tokens_or_stream_is_used_all_the_same(make_app, make_rows, asked):
    with simulated(Behaviour(usage=False, streams=False, rules=(Rule(contains="", answer="네."),))) as address:
        answers, _ = await asked(make_app(address), make_rows("방수?"))
    assert (answers[0].text, answers[0].usage) == ("네.", (0, 0, 0))
    assert answers[0].latency.per_output_token is None


async def test_no_more_calls_are_in_flight_than_the_model_allows(make_app, make_rows, asked):
    with simulated(Behaviour(latency_s=0.1)) as address:
        loaded = make_app(address, chat={"concurrency": 2})
        started = asyncio.get_running_loop().time()
        await asked(loaded, make_rows(*"abcdef"))
        # Three rounds of two: never less, however fast the machine is.
        assert asyncio.get_running_loop().time() - started >= 0.3
