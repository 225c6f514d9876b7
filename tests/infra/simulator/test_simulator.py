"""The simulated endpoint as the openai client sees it."""

import asyncio

import httpx
import openai
import pytest

from infra.simulator.behaviour import Behaviour, Fault, Rule
from infra.simulator.running import calls, requests, simulated


def ask(address, text, **options):
    client = openai.OpenAI(base_url=address, api_key="any", max_retries=0)
    return client.chat.completions.create(model="m", messages=[{"role": "user", "content": text}], **options)


def test_rules_documents_and_echo_decide_the_answer():
    rules = (Rule(contains="weight", answer="2 kg"), Rule(contains="방수", answer="네", where="prompt"))
    with simulated(Behaviour(rules=rules)) as address:
        assert ask(address, "the weight?").choices[0].message.content == "2 kg"
        assert ask(address, "방수가 되나요?").choices[0].message.content == "네"
        assert ask(address, "[P1] Red.\n[P2] Blue.\nWhat?").choices[0].message.content == "Red. [P1]"
        assert ask(address, "hello there").choices[0].message.content == "hello there"
        assert calls(address) == {"/v1/chat/completions": 4}
        assert requests(address)[0]["messages"] == [{"role": "user", "content": "the weight?"}]


def test_a_rule_of_several_answers_gives_each_as_often_and_the_same_to_the_same_request():
    rule = Rule(contains="", answer="one", others=("two", "three"))
    with simulated(Behaviour(rules=(rule,))) as address, httpx.Client(trust_env=False) as client:

        def asked(seed):
            body = {"messages": [{"role": "user", "content": "which?"}], "seed": seed}
            reply = client.post(f"{address}/chat/completions", json=body).json()
            return reply["choices"][0]["message"]["content"]

        said = [asked(seed) for seed in range(60)]
        assert said == [asked(seed) for seed in range(60)]
    assert all(10 <= said.count(answer) <= 30 for answer in ("one", "two", "three"))


def test_a_rule_may_choose_by_the_longest_block():
    rule = Rule(contains="", answer="first", others=("second",), chosen_by="longest")
    with simulated(Behaviour(rules=(rule,))) as address:
        texts = ["a long block\n\nshort", "short\n\na long block", "s\n\ns\n\nthe longest\nblock"]
        said = [ask(address, text).choices[0].message.content for text in texts]
    assert said == ["first", "second", "second"]


def test_an_endpoint_may_refuse_a_response_format():
    with simulated(Behaviour(response_format=False)) as address:
        assert ask(address, "hello").choices[0].message.content == "hello"
        with pytest.raises(openai.BadRequestError, match="response_format"):
            ask(address, "hello", response_format={"type": "json_object"})


def test_a_stream_is_the_same_answer_with_usage():
    with simulated() as address:
        whole = ask(address, "one two three")
        chunks = list(ask(address, "one two three", stream=True, stream_options={"include_usage": True}))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == "one two three"
    assert chunks[-1].usage == whole.usage
    assert whole.usage.prompt_tokens == whole.usage.completion_tokens == 3


def test_max_tokens_cuts_and_says_so():
    with simulated() as address:
        choice = ask(address, "one two three", max_tokens=2).choices[0]
    assert (choice.message.content, choice.finish_reason) == ("one two", "length")


def test_embeddings_are_alike_where_words_are():
    with simulated() as address:
        client = openai.OpenAI(base_url=address, api_key="any")
        texts = ["a red tent", "the red tent", "방수 재킷", "a red tent"]
        data = client.embeddings.create(model="m", input=texts, encoding_format="float").data
    first, second, third, fourth = (entry.embedding for entry in data)
    assert first == fourth
    assert sum(a * a for a in first) == pytest.approx(1)
    assert sum(a * b for a, b in zip(first, second, strict=True)) > sum(
        a * b for a, b in zip(first, third, strict=True)
    )


def test_models_and_health():
    with simulated(Behaviour(models=("a", "b"))) as address:
        assert [model["id"] for model in httpx.get(f"{address}/models").json()["data"]] == ["a", "b"]
        assert httpx.get(address.removesuffix("v1") + "health").json() == {"status": "ok"}


def test_a_fault_happens_so_many_times_and_with_the_wait_it_asks_for():
    with simulated(Behaviour(faults=(Fault(kind="rate_limited", times=1, retry_after_s=2),))) as address:
        with pytest.raises(openai.RateLimitError) as raised:
            ask(address, "hello")
        assert raised.value.response.headers["retry-after"] == "2"
        assert ask(address, "hello").choices[0].message.content == "hello"


def test_a_key_is_asked_for():
    with simulated(Behaviour(api_key="right")) as address, pytest.raises(openai.AuthenticationError):
        ask(address, "hello")


async def test_no_more_requests_than_slots_are_answered_at_once():
    async with asyncio.timeout(30):
        with simulated(Behaviour(slots=2, latency_s=0.2)) as address:
            client = openai.AsyncOpenAI(base_url=address, api_key="any")
            started = asyncio.get_running_loop().time()
            message = {"role": "user", "content": "hello"}
            await asyncio.gather(*(client.chat.completions.create(model="m", messages=[message]) for _ in range(6)))
            # Three rounds of two: never less, however fast the machine is.
            assert asyncio.get_running_loop().time() - started >= 0.6
