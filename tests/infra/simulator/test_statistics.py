"""What an endpoint counts and keeps."""

import time
import tracemalloc

import httpx
import pytest

from infra.simulator.behaviour import Behaviour, Fault
from infra.simulator.chance import Sendings
from infra.simulator.running import calls, requests, reset, simulated, statistics


def test_every_request_is_counted_by_what_came_of_it(client, ask):
    faults = (Fault(kind="server_error", contains="broken"), Fault(kind="rate_limited", contains="busy"))
    with simulated(Behaviour(faults=faults)) as address:
        for text in ("one two", "one two", "three", "broken", "busy"):
            try:
                ask(client(address), text)
            except Exception as error:
                assert text in ("broken", "busy"), error
        client(address).embeddings.create(model="m", input=["four", "five"], encoding_format="float")
        told = statistics(address)
        assert calls(address) == {"/v1/chat/completions": 5, "/v1/embeddings": 1}
    assert told.pop("seconds") > 0
    assert told == {
        "requests": 6,
        "answered": 4,
        "rejected": 1,
        "failed": 1,
        "hung": 0,
        "abandoned": 0,
        "in_flight": 0,
        "most_in_flight": 1,
        "tokens_in": 7,
        "tokens_out": 5,
        "distinct": 4,
        "repeated": 1,
        "batches": 0,
        "batch_lines": 0,
        "tuning_jobs": 0,
    }


def test_a_client_that_goes_away_is_counted_apart(client, ask):
    with simulated(Behaviour(latency_s=30)) as address:
        with pytest.raises(Exception, match="timed out"):
            ask(client(address, timeout=0.2), "hello")
        while statistics(address)["in_flight"]:
            time.sleep(0.01)
        assert statistics(address)["abandoned"] == 1


def test_after_a_reset_the_endpoint_is_as_new(client, ask):
    with simulated(Behaviour(faults=(Fault(kind="server_error", times=1),), requests_per_minute=1, burst=2)) as address:
        for _ in range(2):
            with pytest.raises(Exception, match="The server had an error"):
                ask(client(address), "hello")
            ask(client(address), "hello")
            assert statistics(address)["repeated"] == 1
            reset(address)
        assert (calls(address), requests(address), statistics(address)["requests"]) == ({}, [], 0)


def test_only_the_newest_requests_are_kept():
    with simulated(Behaviour(keep_requests=3)) as address, httpx.Client(base_url=address) as client:
        for number in range(10):
            client.post("/chat/completions", json={"messages": [{"role": "user", "content": f"{number}"}]})
        assert [request["messages"][0]["content"] for request in requests(address)] == ["7", "8", "9"]
        assert statistics(address)["distinct"] == 10


def test_a_request_that_was_sent_leaves_no_more_than_its_digest():
    sendings, long = Sendings(), b"x" * 10_000
    tracemalloc.start()
    try:
        for number in range(20_000):
            sendings.count(long + str(number).encode())
        assert tracemalloc.get_traced_memory()[0] < 20_000 * 150
    finally:
        tracemalloc.stop()
