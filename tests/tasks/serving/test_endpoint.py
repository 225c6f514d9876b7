"""The endpoint answers as the openai SDK expects it, and says what is wrong where it cannot."""

import httpx
import openai
import pytest

from configs.settings import settings
from tasks.candidate import Prompt, TemplateMessage


def test_before_the_first_release_it_is_ready_and_has_no_champion(open_shop):
    assert open_shop.health == {"status": "ok", "app": "shop", "champion": None}
    with pytest.raises(openai.InternalServerError, match="no champion: nothing has been released yet") as caught:
        open_shop.ask()
    assert caught.value.status_code == 503


def test_a_whole_answer(open_shop):
    entry = open_shop.release("guide").entry
    raw = open_shop.client().chat.completions.with_raw_response.create(
        model="shop", messages=[{"role": "user", "content": "방수인가요?"}], temperature=0.9
    )
    answer = raw.parse()
    assert answer.choices[0].message.content == "guide: 방수인가요?"
    assert (answer.choices[0].finish_reason, answer.model, answer.object) == ("stop", "shop", "chat.completion")
    usage = answer.usage
    assert usage.completion_tokens > 0 and usage.total_tokens == usage.prompt_tokens + usage.completion_tokens
    assert raw.headers["x-lifecycle-candidate"] == entry.candidate
    assert raw.headers["x-lifecycle-request"] == answer.id
    assert open_shop.health["champion"] == {"candidate": entry.candidate, "version": 1}


def test_a_streamed_answer(open_shop):
    open_shop.release("guide")
    chunks = list(open_shop.ask(stream=True, stream_options={"include_usage": True}))
    assert chunks[0].choices[0].delta.role == "assistant"
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == "guide: Is it waterproof?"
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
    assert len({chunk.id for chunk in chunks}) == 1 and len(chunks) > 4
    assert chunks[-1].choices == [] and chunks[-1].usage.completion_tokens > 4
    assert all(chunk.usage is None for chunk in chunks[:-1])


def test_a_stream_has_no_usage_unless_asked_for(open_shop):
    open_shop.release("guide")
    chunks = list(open_shop.ask(stream=True))
    assert all(chunk.usage is None and chunk.choices for chunk in chunks)


def test_a_conversation_of_several_turns(open_shop):
    open_shop.release("guide")
    turns = [("user", "A tent?"), ("assistant", "Which?"), ("user", "텐트 1호")]
    messages = [{"role": role, "content": content} for role, content in turns]
    answer = open_shop.client().chat.completions.create(model="shop", messages=messages)
    assert answer.choices[0].message.content == "guide: 텐트 1호"
    [served] = [each for each in open_shop.served if each.id == answer.id]
    assert [tuple(message) for message in served.messages] == turns


def test_prompt_variables_travel_as_metadata(open_shop):
    message = TemplateMessage(role="user", template="{{ question }} {{ name | default('nobody') }} {{ size }}")
    made, _ = open_shop.candidate("named", prompt=Prompt(name="named", messages=(message,)))
    open_shop.registry.gated.add(1)
    open_shop.log.append(
        "commit", action="promote", release="r", candidate=made.digest, version=1, who="minji", why="for the test"
    )
    open_shop.registry.alias = 1
    open_shop.wait_until(lambda: open_shop.health["champion"])
    assert open_shop.ask("누구?", metadata={"name": "민지", "size": "2"}).choices[0].message.content == "누구? 민지 2"
    with pytest.raises(openai.BadRequestError, match="prompt named, user message: 'size' is undefined"):
        open_shop.ask("누구?")


def test_the_one_model(open_shop):
    assert [model.id for model in open_shop.client().models.list()] == ["shop"]
    assert open_shop.client().models.retrieve("shop").id == "shop"
    with pytest.raises(openai.NotFoundError, match="no model 'tent' here; the model is 'shop'"):
        open_shop.client().models.retrieve("tent")


def test_an_unknown_model(open_shop):
    open_shop.release("guide")
    with pytest.raises(openai.NotFoundError) as caught:
        open_shop.client().chat.completions.create(model="gpt", messages=[{"role": "user", "content": "x"}])
    assert (caught.value.code, caught.value.param) == ("model_not_found", "model")


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (b"{not json", 400, "the body is not valid JSON"),
        (b'{"model": "shop", "messages": []}', 400, "messages: "),
        (b" " * 1_100_000, 413, "the body is larger than 1048576 bytes"),
    ],
)
def test_a_body_that_cannot_be_answered(open_shop, body, status, message):
    answer = httpx.post(f"http://127.0.0.1:{open_shop.port}/v1/chat/completions", content=body)
    assert answer.status_code == status
    assert answer.json()["error"]["message"].startswith(message)
    assert answer.json()["error"]["type"] == "invalid_request_error"


def test_a_body_too_large_that_does_not_say_so(open_shop):
    pieces = (b" " * 100_000 for _ in range(20))
    answer = httpx.post(f"http://127.0.0.1:{open_shop.port}/v1/chat/completions", content=pieces)
    assert answer.status_code == 413


def test_an_address_that_is_none(open_shop):
    answer = httpx.post(f"http://127.0.0.1:{open_shop.port}/v1/completions", json={})
    assert answer.status_code == 404
    assert "see /v1/chat/completions" in answer.json()["error"]["message"]


@pytest.mark.parametrize("stream", [False, True])
def test_a_model_that_fails_is_one_line_and_recorded(open_shop, stream):
    open_shop.release("guide")
    with pytest.raises(openai.InternalServerError, match="could not answer: its model failed") as caught:
        open_shop.ask("FAIL", stream=stream)
    assert caught.value.status_code == 502
    assert "\n" not in caught.value.body["message"]
    assert open_shop.served[-1].answer.outcome == "app_error"


@pytest.mark.parametrize("stream", [False, True])
def test_a_model_that_breaks_off_is_never_a_short_answer(open_shop, stream):
    open_shop.release("guide")
    with pytest.raises(openai.APIError, match="could not answer"):
        list(open_shop.ask("BREAK off in the middle of this", stream=stream))
    assert open_shop.served[-1].answer.outcome == "app_error"


def test_only_with_the_key(make_shop, monkeypatch):
    monkeypatch.setenv("LIFECYCLE_API_KEY", "a-secret")
    settings.cache_clear()
    shop = make_shop()
    with shop.open():
        shop.release("guide")
        for key in ("wrong", "a-secretx"):
            with pytest.raises(openai.AuthenticationError, match="wrong or missing key"):
                shop.client(api_key=key).models.list()
        asked = {"model": "shop", "messages": [{"role": "user", "content": "hi"}]}
        assert (
            shop.client(api_key="a-secret").chat.completions.create(**asked).choices[0].message.content == "guide: hi"
        )
        root = f"http://127.0.0.1:{shop.port}"
        assert httpx.post(f"{root}/v1/chat/completions", json=asked).status_code == 401
        assert httpx.post(f"{root}/admin/reload").status_code == 401
        korean = {"authorization": "Bearer 비밀".encode()}
        assert httpx.get(f"{root}/v1/models", headers=korean).status_code == 401
        assert httpx.get(f"{root}/health").status_code == 200
