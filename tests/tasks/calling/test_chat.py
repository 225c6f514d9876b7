"""The client: who a model is, one stream, timeouts that stop."""

import asyncio
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs.schema.app import Parameters
from configs.schema.model import EmbeddedModel, OpenAIModel
from infra.simulator.behaviour import Behaviour, Fault, Rule
from infra.simulator.running import requests, simulated
from tasks.calling.chat import Reply, call_model, stream_model
from tasks.calling.connecting import open_client
from tasks.calling.endpoint import endpoint_model
from tasks.calling.failures import Callee, CallFailure, FailureKind, failure_of_status
from tasks.data.row import Message

HELLO = (Message("user", "one two three four"),)
KEY = "sk-very-secret-0123456789"


def model_at(address, **changes):
    return OpenAIModel(kind="openai", base_url=address, model="simulated", **changes)


async def test_pieces_come_as_they_are_made_then_the_whole_reply():
    with simulated() as address:
        model = model_at(address)
        pieces = [piece async for piece in stream_model(model, HELLO, Parameters())]
    assert pieces[:-1] == ["one", " two", " three", " four"]
    reply = pieces[-1]
    assert isinstance(reply, Reply)
    assert (reply.text, reply.usage, reply.finish_reason) == ("one two three four", (4, 4, 0), "stop")


async def test_times_are_of_the_endpoint():
    with simulated(Behaviour(latency_s=0.2, per_token_s=0.05)) as address:
        model = model_at(address)
        latency = (await call_model(model, HELLO, Parameters())).latency
    # Lower bounds only: a busy machine adds, and never takes away.
    assert latency.first_token >= 0.2
    assert latency.total >= latency.first_token + 0.15
    assert latency.per_output_token > 0


async def test_a_model_gets_its_bound_under_the_name_it_knows_and_no_temperature_where_it_takes_none():
    with simulated() as address:
        model = model_at(address, max_tokens_key="max_completion_tokens")
        await call_model(model, HELLO, Parameters(temperature=None, max_tokens=9))
        sent = requests(address)[0]
    assert sent["max_completion_tokens"] == 9
    assert not {"max_tokens", "temperature"} & set(sent)


async def test_parameters_are_sent_and_those_not_set_are_left_out():
    with simulated() as address:
        model = model_at(address)
        await call_model(model, HELLO, Parameters(temperature=0.5, max_tokens=9, stop=("\n",), seed=None))
        sent = requests(address)[0]
    assert sent == {
        "model": "simulated",
        "messages": [{"role": "user", "content": "one two three four"}],
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": 0.5,
        "max_tokens": 9,
        "stop": ["\n"],
    }


async def test_a_form_of_the_answer_is_asked_for_where_there_is_one():
    form = {"type": "json_schema", "json_schema": {"name": "rating", "schema": {"type": "object"}}}
    with simulated() as address:
        await call_model(model_at(address), HELLO, Parameters(), form)
        await call_model(model_at(address), HELLO, Parameters())
        with_form, without = requests(address)
    assert with_form["response_format"] == form
    assert "response_format" not in without


async def test_an_answer_cut_by_max_tokens_is_an_answer_and_says_so():
    with simulated() as address:
        model = model_at(address)
        reply = await call_model(model, HELLO, Parameters(max_tokens=2))
    assert (reply.text, reply.finish_reason) == ("one two", "length")


async def test_an_empty_answer_that_was_finished_is_an_answer():
    with simulated(Behaviour(rules=(Rule(contains="", answer=""),))) as address:
        model = model_at(address)
        reply = await call_model(model, HELLO, Parameters())
    assert (reply.text, reply.finish_reason, reply.latency.first_token) == ("", "stop", None)


async def test_a_slow_stream_is_given_up_though_every_piece_comes_in_time():
    with simulated(Behaviour(per_token_s=0.2)) as address:
        model = model_at(address, timeout_s=0.5)
        with pytest.raises(CallFailure, match=r"no whole answer within 0\.5 s") as raised:
            await call_model(model, HELLO, Parameters())
    assert raised.value.kind is FailureKind.TIMEOUT


async def test_a_reader_who_takes_his_time_is_not_cancelled():
    with simulated() as address:
        model = model_at(address, timeout_s=0.3)
        async with aclosing(stream_model(model, HELLO, Parameters())) as pieces:
            assert await anext(pieces) == "one"
            await asyncio.sleep(0.5)


async def test_a_reader_who_goes_away_closes_the_stream():
    with simulated(Behaviour(slots=1, per_token_s=0.05)) as address:
        model = model_at(address)
        async with aclosing(stream_model(model, HELLO, Parameters())) as pieces:
            assert await anext(pieces) == "one"
        # The only slot is free again.
        assert (await call_model(model, HELLO, Parameters())).text == "one two three four"


async def test_one_client_an_endpoint_and_key(monkeypatch):
    monkeypatch.setenv("KEY_OF_TEST", KEY)
    first = open_client(model_at("http://127.0.0.1:1/v1"))
    assert open_client(model_at("http://127.0.0.1:1/v1", concurrency=3)) is first
    assert open_client(model_at("http://127.0.0.1:2/v1")) is not first
    keyed = open_client(model_at("http://127.0.0.1:1/v1", api_key_env="KEY_OF_TEST"))
    assert (keyed.api_key, keyed.max_retries, first.api_key) == (KEY, 0, "none")


async def test_a_proxy_of_the_environment_is_not_between_us_and_this_machine(monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with simulated() as address:
        model = model_at(address)
        assert (await call_model(model, HELLO, Parameters())).text == "one two three four"


async def test_a_key_that_an_endpoint_repeats_is_not_shown(monkeypatch):
    monkeypatch.setenv("KEY_OF_TEST", KEY)
    callee = Callee("model m", "http://127.0.0.1:1/v1", 1, "KEY_OF_TEST")
    for status in (400, 401, 403, 404, 429, 500):
        failure = failure_of_status(status, {}, f"the key {KEY} is\nno good", callee)
        assert KEY not in str(failure)
        assert "\n" not in str(failure)


def test_identity_is_the_endpoints_not_the_configurations():
    model = model_at("http://127.0.0.1:1/v1/")
    assert endpoint_model("any", model) == "simulated at http://127.0.0.1:1/v1"
    assert endpoint_model("other", model.model_copy(update={"timeout_s": 3.0, "concurrency": 1})) == endpoint_model(
        "any", model
    )


def test_an_embedded_models_identity_is_its_weights():
    chat = endpoint_model("any", EmbeddedModel(kind="embedded", task="chat"))
    assert chat.startswith("SmolLM2-135M-Instruct.Q4_1.gguf ")
    assert len(chat.split()[1]) == 16
    assert endpoint_model("any", EmbeddedModel(kind="embedded", task="embedding")) != chat


@pytest.mark.parametrize(
    ("detail", "kind"),
    [
        ("maximum context length is 4096 tokens", FailureKind.TOO_LONG),
        ("request exceeds the available context size exceed_context_size_error", FailureKind.TOO_LONG),
        ("temperature must be below 2", FailureKind.REJECTED),
    ],
)
def test_a_prompt_that_is_too_long_is_told_from_other_bad_requests(detail, kind):
    assert failure_of_status(400, {}, detail, Callee("model m", "http://h/v1", 1)).kind is kind


def test_no_credit_is_not_tried_again():
    failure = failure_of_status(
        429, {}, "You exceeded your quota insufficient_quota", Callee("model m", "http://h/v1", 1)
    )
    assert not failure.retryable


def test_a_wait_may_be_a_date():
    due = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    failure = failure_of_status(429, {"retry-after": due}, "", Callee("model m", "http://h/v1", 1))
    assert 0 < failure.retry_after <= 30


@given(value=st.text())
def test_whatever_stands_in_retry_after_is_no_crash(value):
    failure = failure_of_status(503, {"retry-after": value}, "", Callee("model m", "http://h/v1", 1))
    assert failure.retry_after is None or failure.retry_after >= 0


async def test_faults_in_the_middle_reach_the_reader_as_one_failure():
    with simulated(Behaviour(faults=(Fault(kind="torn"),))) as address:
        model = model_at(address)
        got = []
        with pytest.raises(CallFailure, match="broke off its reply"):
            async for piece in stream_model(model, HELLO, Parameters()):
                got.append(piece)  # noqa: PERF401 what came before the failure counts
    assert got == ["one", " two"]


async def test_a_server_that_closes_a_kept_connection_without_a_word_is_asked_all_the_same():
    event = (
        b'data: {"choices": [{"index": 0, "delta": {"content": "yes"}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n'
    )
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nkeep-alive: timeout=5\r\n"
    asked = 0

    async def serve(reader, writer):
        nonlocal asked
        await reader.readuntil(b"\r\n\r\n")
        asked += 1
        writer.write(head + b"transfer-encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(event), event))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        model = model_at(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1")
        for _ in range(3):
            replies = await asyncio.gather(*(call_model(model, HELLO, Parameters()) for _ in range(4)))
            assert {reply.text for reply in replies} == {"yes"}
    assert asked == 12


@pytest.mark.parametrize("end", [b"", b"no chunk\r\n", None])
async def test_an_answer_is_whole_whatever_becomes_of_the_end_of_its_reply(end):
    event = (
        b'data: {"choices": [{"index": 0, "delta": {"content": "yes"}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n'
    )
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    ended = asyncio.Event()

    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head + b"%x\r\n%s\r\n" % (len(event), event))
        await asyncio.sleep(0.05)
        if end is None:  # it never comes, and the connection stays
            await reader.read()
            ended.set()
        writer.write(end or b"")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        model = model_at(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", timeout_s=5)
        assert (await call_model(model, HELLO, Parameters())).text == "yes"
        if end is None:
            await asyncio.wait_for(ended.wait(), 10)
