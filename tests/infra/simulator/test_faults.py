"""How requests fail, and which do."""

import asyncio
import time

import httpx
import pytest

from infra.simulator.behaviour import Behaviour, Fault
from infra.simulator.running import simulated, statistics

TEXTS = [f"question {number}" for number in range(40)]


def body_of(text, **options):
    return {"messages": [{"role": "user", "content": text}], **options}


def ask_raw(address, **options):
    return httpx.post(f"{address}/chat/completions", json=body_of("one two three four", **options))


def test_shares_of_faults_fall_on_the_same_requests_in_any_order_and_the_same_sending():
    behaviour = Behaviour(faults=(Fault(kind="server_error", share=0.4),))

    def failed(texts):
        with simulated(behaviour) as address, httpx.Client(base_url=address) as client:
            sent = [(text, client.post("/chat/completions", json=body_of(text)).status_code) for text in texts]
        return [{text for text, status in half if status == 500} for half in (sent[:40], sent[40:])]

    first, second = failed(TEXTS * 2)
    assert 7 <= len(first) <= 25
    assert first != second
    assert failed(TEXTS[::-1] * 2) == [first, second]


@pytest.mark.parametrize("per_token_s", [0, 0.001])
def test_a_stream_is_broken_in_its_middle(per_token_s):
    def stream(kind):
        with simulated(Behaviour(faults=(Fault(kind=kind),), per_token_s=per_token_s)) as address:
            return ask_raw(address, stream=True)

    with pytest.raises(httpx.RemoteProtocolError):
        stream("torn")
    cut, half = stream("cut").text, stream("half_json").text
    assert " two" in cut and "three" not in cut and "stop" not in cut and "DONE" not in cut
    assert half.startswith(cut) and half.endswith('"choi\n\n')
    assert stream("empty").content == b""


@pytest.mark.parametrize("kind", ["torn", "cut", "half_json", "empty"])
def test_a_reply_in_one_piece_is_broken_in_its_middle(kind):
    with simulated() as whole, simulated(Behaviour(faults=(Fault(kind=kind),))) as broken:
        text = ask_raw(whole).text
        assert ask_raw(broken).text == ("" if kind == "empty" else text[: len(text) // 2])


def test_only_what_contains_a_text_fails_however_it_is_written():
    with simulated(Behaviour(faults=(Fault(kind="too_long", contains="방수"),))) as address:
        # httpx writes the text as it is, json.dumps with escapes.
        escaped = b'{"messages": [{"role": "user", "content": "\\ubc29\\uc218"}]}'
        assert httpx.post(f"{address}/chat/completions", json=body_of("방수")).status_code == 400
        assert httpx.post(f"{address}/chat/completions", content=escaped).status_code == 400
        assert ask_raw(address).status_code == 200


@pytest.mark.parametrize("holds", [True, False])
async def test_what_hangs_ends_when_its_client_goes_away(holds):
    behaviour = Behaviour(faults=(Fault(kind="hang", contains="never"),), slots=1, hang_holds_slot=holds)
    with simulated(behaviour) as address:
        async with httpx.AsyncClient(base_url=address) as client:
            hanging = asyncio.create_task(client.post("/chat/completions", json=body_of("never"), timeout=60))
            while not statistics(address)["hung"]:
                await asyncio.sleep(0.01)
            if holds:
                with pytest.raises(httpx.ReadTimeout):
                    await client.post("/chat/completions", json=body_of("now"), timeout=0.2)
            else:
                assert (await client.post("/chat/completions", json=body_of("now"))).status_code == 200
            assert statistics(address)["in_flight"] >= 1
            hanging.cancel()
            async with asyncio.timeout(20):
                while statistics(address)["in_flight"]:
                    await asyncio.sleep(0.01)
            assert (await client.post("/chat/completions", json=body_of("then"))).status_code == 200


@pytest.mark.parametrize("content", [b"", b"[1]", b"{}", b'{"messages": "hello"}'])
def test_what_is_no_request_is_answered_400(content):
    with simulated() as address:
        assert httpx.post(f"{address}/chat/completions", content=content).status_code == 400
        assert httpx.post(f"{address}/embeddings", content=content).status_code == 400
        assert statistics(address)["failed"] == 2


async def test_what_hangs_does_not_keep_the_endpoint_from_ending():
    async with httpx.AsyncClient() as client:
        with simulated(Behaviour(faults=(Fault(kind="hang"),))) as address:
            sent = client.post(f"{address}/chat/completions", json=body_of("never"), timeout=60)
            hanging = asyncio.create_task(sent)
            while not statistics(address)["hung"]:
                await asyncio.sleep(0.01)
            ended = time.monotonic()
        assert time.monotonic() - ended < 10
        with pytest.raises(httpx.RemoteProtocolError):
            await hanging
