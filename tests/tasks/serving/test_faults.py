"""What goes wrong while an answer is made: who is told what, what is recorded, and what is charged."""

import asyncio
import json

import openai
import pytest

from configs.errors import DataError
from configs.settings import settings
from infra.simulator.behaviour import Behaviour
from infra.simulator.running import simulated, statistics
from tasks.candidate import Prompt, TemplateMessage
from tasks.serving.keys import KeyLimits, key_ring
from tasks.serving.slots import NoSlotError, Slots


def test_a_client_that_leaves_is_charged_what_was_written(open_shop):
    open_shop.release("guide")
    secret = key_ring().add("minji", KeyLimits(tokens_per_minute=60))
    client = open_shop.client(api_key=secret)
    asked = {"model": "shop", "messages": [{"role": "user", "content": "word " * 400}]}
    stream = client.chat.completions.create(stream=True, **asked)
    for _ in range(4):
        next(iter(stream))
    stream.close()
    open_shop.wait_until(lambda: len(open_shop.served) == 2)
    gone = open_shop.served[-1].answer
    assert gone.usage.output >= 2, "a token for each piece"
    assert gone.usage.input > 400, "what the model was sent"
    assert gone.messages[-1].content.startswith("guide: word")
    with pytest.raises(openai.RateLimitError, match="60 tokens a minute"):
        client.chat.completions.create(**asked)


@pytest.mark.parametrize("stream", [False, True])
def test_what_the_upstream_says_is_recorded_and_not_told(open_shop, stream):
    open_shop.release("guide")
    with pytest.raises(
        openai.InternalServerError, match="could not answer: its model failed; request chatcmpl-"
    ) as told:
        open_shop.ask("FAIL", stream=stream)
    served = open_shop.served[-1]
    assert served.id in str(told.value) and "http://" not in str(told.value)
    assert served.answer.cause.startswith("model echo at http://")


PROMPT = Prompt(name="sized", messages=(TemplateMessage(role="user", template="{{ question }} {{ size }}"),))


def test_a_variable_that_is_missing_is_told_the_client_and_seen_by_who_watches(open_shop):
    open_shop.release("guide")
    made, version = open_shop.candidate("sized", prompt=PROMPT)
    open_shop.log.append(
        "commit", action="promote", release="r", candidate=made.digest, version=version, who="m", why="t"
    )
    open_shop.registry.alias = version
    open_shop.wait_until(lambda: open_shop.health["champion"]["version"] == version)
    with pytest.raises(openai.BadRequestError, match="'size' is undefined") as told:
        open_shop.ask("hi")
    served = open_shop.served[-1]
    assert (served.id, served.candidate) == (told.value.response.headers["x-lifecycle-request"], made.digest)
    assert served.answer.outcome == "app_error" and "'size' is undefined" in served.answer.cause


def test_every_other_fault_of_data_is_not(open_shop, monkeypatch):
    open_shop.release("guide")

    async def fail(*_):
        raise DataError("the index is torn; build it again")

    monkeypatch.setattr("tasks.calling.preparing.Preparer.prepare", fail)
    with pytest.raises(openai.InternalServerError, match="could not answer: it failed; request") as told:
        open_shop.ask("hi")
    assert told.value.status_code == 502
    assert (open_shop.served[-1].answer.outcome, open_shop.served[-1].answer.cause) == (
        "app_error",
        "the index is torn; build it again",
    )


def test_what_nobody_foresaw_is_recorded_as_well(open_shop, monkeypatch):
    open_shop.release("guide")

    async def fail(*_):
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr("tasks.calling.preparing.Preparer.prepare", fail)
    with pytest.raises(openai.InternalServerError) as told:
        open_shop.ask("hi")
    assert told.value.status_code == 502 and "zero" not in str(told.value)
    assert open_shop.served[-1].answer.cause == "ZeroDivisionError: by zero"


async def test_a_turn_that_does_not_come_is_not_waited_for():
    slots = Slots(1, 0.05)
    async with slots:
        with pytest.raises(NoSlotError, match=r"no turn at the model came within 0\.05 s"):
            async with slots:
                pass
    async with slots:
        pass


async def test_who_gives_up_takes_no_turn():
    slots = Slots(1, 60)
    async with slots:
        waiting = asyncio.create_task(slots.__aenter__())
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    async with slots:
        pass


def test_a_request_whose_turn_does_not_come_is_told_to_come_back(make_shop, monkeypatch):
    monkeypatch.setenv("LIFECYCLE_ENDPOINT_WAIT_S", "0.2")
    settings.cache_clear()
    shop = make_shop()
    file = shop.loaded.folder / "models.yaml"
    models = json.loads(file.read_text())
    models["echo"]["concurrency"] = 1
    file.write_text(json.dumps(models))
    with shop.open():
        shop.release("guide")
        stream = shop.ask("word " * 2000, stream=True)
        next(iter(stream))
        with pytest.raises(openai.InternalServerError, match="too many requests wait for the model; try again") as told:
            shop.ask("hi")
        assert (told.value.status_code, told.value.response.headers["retry-after"]) == (503, "1")
        assert told.value.body["code"] == "overloaded"
        turned_away = shop.served[-1].answer
        assert (turned_away.outcome, turned_away.cause) == ("app_error", "no turn at the model came within 0.2 s")
        stream.close()


def test_a_model_that_hangs_in_the_middle_of_a_stream_is_given_up(make_shop):
    with simulated(Behaviour(per_token_s=30)) as slow:
        echo = {"kind": "openai", "base_url": slow, "model": "echo", "retries": 0, "timeout_s": 0.5}
        shop = make_shop(models={"echo": echo})
        with shop.open():
            shop.candidate("guide")
            shop.registry.alias = 1
            [made] = shop.registry.versions.values()
            shop.log.append("commit", action="promote", release="r", candidate=made.digest, version=1, who="m", why="t")
            shop.wait_until(lambda: shop.health["champion"])
            pieces = []
            with pytest.raises(openai.APIError, match="could not answer: its model took too long"):
                pieces += [chunk.choices[0].delta.content for chunk in shop.ask("one two three", stream=True)]
            assert shop.served[-1].answer.outcome == "app_error"
            shop.wait_until(lambda: statistics(slow)["abandoned"] == 1)


def test_the_model_s_call_ends_with_the_client_that_left(make_shop):
    with simulated(Behaviour(per_token_s=0.2)) as slow:
        echo = {"kind": "openai", "base_url": slow, "model": "echo", "retries": 0}
        shop = make_shop(models={"echo": echo})
        with shop.open():
            shop.release("guide")
            stream = shop.ask("word " * 400, stream=True)
            next(iter(stream))
            assert statistics(slow)["abandoned"] == 0
            stream.close()
            shop.wait_until(lambda: statistics(slow)["abandoned"] == 1)
