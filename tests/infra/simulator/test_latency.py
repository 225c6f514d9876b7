"""How long replies take, and how many are answered at once."""

import statistics as figures
import time

import openai
import pytest

from infra.simulator.behaviour import Behaviour
from infra.simulator.chance import Sending, log_normal
from infra.simulator.running import simulated, statistics

TEXTS = [f"question {number}" for number in range(6)]


async def test_latency_is_passed_inside_a_slot(ask_all):
    with simulated(Behaviour(slots=2, latency_s=0.1, latency_sigma=0.01)) as address:
        started = time.monotonic()
        answers = await ask_all(address, TEXTS)
        # Three rounds of two; a little less than 0.1 s each, for the latency varies a little.
        assert time.monotonic() - started >= 0.28
        assert [answer.choices[0].message.content for answer in answers] == TEXTS
        assert statistics(address)["most_in_flight"] == 6


@pytest.mark.parametrize("stream", [True, False])
async def test_above_the_slots_requests_are_rejected_where_none_may_wait(ask_all, stream):
    with simulated(Behaviour(slots=2, latency_s=0.5, reject_above_slots=True)) as address:
        answers = await ask_all(address, TEXTS, stream=stream)
        assert sum(isinstance(answer, openai.RateLimitError) for answer in answers) == 4
        assert statistics(address)["rejected"] == 4


def test_a_token_each_takes_its_time(client, ask):
    with simulated(Behaviour(per_token_s=0.05)) as address:
        started = time.monotonic()
        events = [chunk for chunk in ask(client(address), "one two three", stream=True) if chunk.choices]
        assert time.monotonic() - started >= 0.1
    assert [event.choices[0].delta.content for event in events] == ["one", " two", " three", None]


def test_the_latency_is_log_normal_around_its_median():
    drawn = [log_normal(0.7, 0.5, 7, Sending(request, 1)) for request in range(4000)]
    assert figures.median(drawn) == pytest.approx(0.7, rel=0.05)
    # One sigma below and above: e^-0.5 and e^0.5 of the median.
    tenths = figures.quantiles(drawn, n=1000)
    assert tenths[158] == pytest.approx(0.7 * 0.607, rel=0.08)
    assert tenths[840] == pytest.approx(0.7 * 1.649, rel=0.08)


def test_the_latency_follows_from_the_seed_the_request_and_how_often_it_was_sent():
    first = log_normal(1, 0.5, 7, Sending(1, 1))
    assert log_normal(1, 0.5, 7, Sending(1, 1)) == first
    others = [
        log_normal(1, 0.5, 8, Sending(1, 1)),
        *(log_normal(1, 0.5, 7, Sending(*sent)) for sent in [(2, 1), (1, 2)]),
    ]
    assert first not in others
    assert log_normal(1, 0, 7, Sending(1, 1)) == 1
