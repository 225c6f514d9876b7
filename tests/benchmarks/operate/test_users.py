"""What users notice: answers that fail, are torn, or are put together of two candidates'."""

import asyncio
import json

import pytest
from aiohttp import web

from benchmarks.operate.users import Users, asking

NAMES = {"digest-a": "plain", "digest-b": "briefly"}


def answered(begin, end, *, streamed, whole=True):
    """Returns the body of an answer whose ends are two names, and whose middle is the question."""

    def body(question):
        text = f"{begin} {question} {end}"
        if not streamed:
            return json.dumps({"choices": [{"message": {"content": text}}]})[: None if whole else -3]
        events = [json.dumps({"choices": [{"delta": {"content": letter}}]}) for letter in text]
        return "".join(f"data: {event}\n\n" for event in [*events, *(["[DONE]"] if whole else [])])

    return body


def met(reply):
    """Returns the users after one has been answered four times as `reply` says."""
    users = None
    came = []

    async def handle(request):
        asked = await request.json()
        came.append(request.headers.get("x-lifecycle-record"))
        if len(came) == 4:
            users.stop()
        response = reply(asked["messages"][0]["content"], asked["stream"])
        if came[-1] == "wait":
            response.headers["x-lifecycle-recorded"] = "yes"
        return response

    async def ask():
        nonlocal users
        api = web.Application()
        api.router.add_post("/v1/chat/completions", handle)
        runner = web.AppRunner(api)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        users = Users(f"http://127.0.0.1:{runner.addresses[0][1]}/v1", "app", NAMES, 1)
        await asyncio.to_thread(users.run)
        await runner.cleanup()

    asyncio.run(ask())
    return users


def response(body):
    return web.Response(text=body, headers={"x-lifecycle-candidate": "digest-a", "x-lifecycle-request": "r1"})


def test_an_answer_of_the_candidate_that_is_named_is_whole():
    users = met(lambda asked, streamed: response(answered("plain", "plain", streamed=streamed)(asked)))
    assert [each.by for each in users.whole] == ["plain"] * 4
    assert [each.acknowledged for each in users.whole] == [True, False, False, True]
    assert (users.torn, users.mixed, users.failed) == (0, [], {})


@pytest.mark.parametrize("ends", [("plain", "briefly"), ("briefly", "briefly")])
def test_an_answer_of_two_or_of_another_is_mixed(ends):
    users = met(lambda asked, streamed: response(answered(*ends, streamed=streamed)(asked)))
    assert len(users.mixed) == 4
    assert not users.whole


def test_an_answer_that_does_not_end_is_torn():
    users = met(lambda asked, streamed: response(answered("plain", "plain", streamed=streamed, whole=False)(asked)))
    assert users.torn == 4
    assert not users.whole


def test_a_refusal_is_a_failure():
    users = met(lambda *_: web.Response(status=503))
    assert users.failed == {"status 503": 4}


def test_what_ends_the_users_early_is_raised():
    users = Users("http://127.0.0.1:1/v1", "app", NAMES, -1)
    users.run = lambda: 1 / 0
    with pytest.raises(ZeroDivisionError), asking(users):
        pass
