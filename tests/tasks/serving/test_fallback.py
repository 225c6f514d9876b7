"""Another model answers where the champion's does not, marked everywhere, and is never taken for the champion."""

import re

import httpx
import openai
import pytest

from configs.errors import LifecycleError
from infra.simulator.behaviour import Behaviour, Fault, Rule
from infra.simulator.running import calls, simulated


@pytest.fixture
def spare():
    """The fallback: says so, and fails where it is told BOTH."""
    behaviour = Behaviour(
        rules=(Rule(contains="", answer="the spare says"),), faults=(Fault(kind="html", contains="BOTH"),)
    )
    with simulated(behaviour) as address:
        yield address


@pytest.fixture
def make_spared(make_shop, app_text, spare, upstream):
    def make(**echo):
        model = {"kind": "openai", "base_url": upstream, "model": "echo", "retries": 0} | echo
        models = {"spare": {"kind": "openai", "base_url": spare, "model": "spare", "retries": 0}, "echo": model}
        return make_shop(app_text + "serve: {fallback: spare}\n", models=models)

    return make


@pytest.fixture
def spared_shop(make_spared):
    shop = make_spared()
    with shop.open():
        shop.release("guide")
        yield shop


def metrics(shop):
    return httpx.get(f"http://127.0.0.1:{shop.port}/metrics").text


def test_the_champion_s_model_answers_while_it_can(spared_shop, spare):
    assert spared_shop.ask("hi").choices[0].message.content == "guide: hi"
    assert calls(spare) == {}
    assert spared_shop.served[-1].fallback == ""


def test_a_model_that_fails_is_replaced_and_the_answer_says_so(spared_shop):
    raw = spared_shop.client().chat.completions.with_raw_response.create(
        model="shop", messages=[{"role": "user", "content": "FAIL"}]
    )
    assert raw.parse().choices[0].message.content == "the spare says"
    assert raw.headers["x-lifecycle-fallback"] == "spare"
    served = spared_shop.served[-1]
    assert (served.fallback, served.answer.outcome, served.answer.attempts) == ("spare", "ok", 1)
    assert not served.is_candidates_answer
    assert served.answer.messages[-1].content == "guide: FAIL", "it is asked the same"
    assert 'lifecycle_fallback_answers_total{app="shop",model="spare"} 1.0' in metrics(spared_shop)
    spared_shop.wait_until(lambda: spared_shop.served[-1].flags == ("fallback",))


def test_streamed_as_well(spared_shop):
    raw = spared_shop.client().chat.completions.with_raw_response.create(
        model="shop", messages=[{"role": "user", "content": "FAIL"}], stream=True
    )
    assert raw.headers["x-lifecycle-fallback"] == "spare"
    text = "".join(chunk.choices[0].delta.content or "" for chunk in raw.parse())
    assert text == spared_shop.served[-1].answer.text == "the spare says"


def test_an_answer_that_has_begun_is_not_left_for_another(spared_shop):
    with pytest.raises(openai.APIError, match="could not answer: its model "):
        list(spared_shop.ask("BREAK off in the middle of this", stream=True))
    assert spared_shop.served[-1].fallback == ""


def test_where_both_fail_both_are_said(spared_shop):
    with pytest.raises(openai.InternalServerError, match="the application could not answer: its model failed"):
        spared_shop.ask("FAIL BOTH")
    answer = spared_shop.served[-1].answer
    assert answer.outcome == "app_error"
    assert re.search(r"model echo at .*; fallback: model spare at .*HTML", answer.cause)


def test_a_model_without_a_free_slot_is_not_waited_for(make_spared):
    shop = make_spared(concurrency=1)
    with shop.open():
        shop.release("guide")
        long = shop.ask("word " * 2000, stream=True)
        next(iter(long))
        assert shop.ask("hi").choices[0].message.content == "the spare says"
        long.close()
        shop.wait_until(lambda: shop.ask("hi").choices[0].message.content == "guide: hi")


def test_a_question_that_cannot_be_asked_is_nobodys(make_spared, spare):
    with simulated(Behaviour(faults=(Fault(kind="too_long", contains="LONG"),))) as short:
        shop = make_spared(base_url=short)
        with shop.open():
            shop.release("guide")
            with pytest.raises(openai.BadRequestError, match="too long for the model"):
                shop.ask("LONG")
    assert calls(spare) == {}


def test_a_release_is_not_passed_by_the_fallback(make_spared, spare):
    with simulated(Behaviour(faults=(Fault(kind="server_error"),))) as dead:
        shop = make_spared(base_url=dead)
        with pytest.raises(LifecycleError, match="fallback spare would have answered"):
            shop.release("guide")
        with shop.open(), pytest.raises(LifecycleError, match="fallback spare answered"):
            shop.release("guide")
