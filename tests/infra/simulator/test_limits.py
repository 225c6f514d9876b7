"""Limits of requests and tokens a minute; the clock of the buckets is moved by hand."""

import httpx
import pytest

from infra.simulator.behaviour import Behaviour
from infra.simulator.limits import Limits, duration
from infra.simulator.running import requests, simulated, statistics


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def test_a_full_bucket_admits_a_burst_and_is_filled_evenly(clock):
    limits = Limits(Behaviour(requests_per_minute=60, burst=5), clock)
    assert [limits.admit(1) for _ in range(6)] == [None] * 5 + [1.0]
    clock.now = 2.5
    assert [limits.admit(1) for _ in range(3)] == [None, None, 0.5]
    clock.now = 1000
    assert [limits.admit(1) for _ in range(6)].count(None) == 5


def test_without_a_burst_a_bucket_holds_a_minute(clock):
    limits = Limits(Behaviour(requests_per_minute=60), clock)
    assert [limits.admit(1) for _ in range(61)].count(None) == 60


def test_tokens_are_limited_too_and_a_rejected_request_takes_nothing(clock):
    limits = Limits(Behaviour(tokens_per_minute=600, requests_per_minute=60, burst=6), clock)
    assert limits.admit(50) is None
    assert limits.admit(20) == 1.0
    assert limits.admit(10) is None
    assert limits.admit(1) == pytest.approx(0.1)
    clock.now = 0.5
    assert limits.admit(5) is None


def test_headers_say_what_is_left(clock):
    limits = Limits(Behaviour(requests_per_minute=60, tokens_per_minute=600, rate_limit_headers=True), clock)
    limits.admit(200)
    assert limits.headers() == {
        "x-ratelimit-limit-requests": "60",
        "x-ratelimit-remaining-requests": "59",
        "x-ratelimit-reset-requests": "1s",
        "x-ratelimit-limit-tokens": "600",
        "x-ratelimit-remaining-tokens": "400",
        "x-ratelimit-reset-tokens": "20s",
    }
    asked_to_wait = limits.headers(1.25)
    assert (asked_to_wait["retry-after"], asked_to_wait["retry-after-ms"]) == ("2", "1250")
    assert Limits(Behaviour(requests_per_minute=60), clock).headers(1.25) == {}


@pytest.mark.parametrize(
    ("seconds", "written"),
    [(0, "0s"), (0.02, "20ms"), (0.0001, "1ms"), (1, "1s"), (8.64, "8.64s"), (60, "1m0s"), (360, "6m0s"),
     (432.5, "7m12.5s"), (86400, "24h0m0s")],
)  # fmt: skip
def test_durations_are_written_as_openai_does(seconds, written):
    assert duration(seconds) == written


@pytest.mark.parametrize("shown", [True, False])
def test_what_is_above_the_limit_is_rejected(shown):
    # One a minute: the test does not take as long.
    behaviour = Behaviour(requests_per_minute=1, burst=3, rate_limit_headers=shown)
    with simulated(behaviour) as address, httpx.Client(base_url=address) as client:
        body = {"messages": [{"role": "user", "content": "hello"}]}
        replies = [client.post("/chat/completions", json=body) for _ in range(5)]
        told = statistics(address)
        assert len(requests(address)) == 5
    assert [reply.status_code for reply in replies] == [200] * 3 + [429] * 2
    assert (told["answered"], told["rejected"], told["distinct"], told["repeated"]) == (3, 2, 1, 2)
    assert ["retry-after" in reply.headers for reply in replies] == [False] * 3 + [shown] * 2
    assert ["x-ratelimit-remaining-requests" in reply.headers for reply in replies] == [shown] * 5
    if shown:
        assert 1 <= int(replies[3].headers["retry-after"]) <= 60
        assert replies[0].headers["x-ratelimit-remaining-requests"] == "2"
