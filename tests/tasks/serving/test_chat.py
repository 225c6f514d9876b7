"""The chat page needs nothing else and lets run nothing else; what it tells of an answer, it tells whoever asked."""

import base64
import hashlib
import re

import httpx
import pytest

from tasks.identity import digest
from tasks.serving.chat import chat_document
from tasks.serving.keys import KeyLimits, key_ring

PYTHON = """
async def answer(question):
    return {"answer": question, "context": [{"id": "d1", "text": "about tents"}, {"id": "배송", "text": "two days"}]}
"""


@pytest.fixture
def get(open_shop):
    def ask(path, key=None):
        headers = {"authorization": f"Bearer {key}"} if key else {}
        return httpx.get(f"http://127.0.0.1:{open_shop.port}{path}", headers=headers)

    return ask


def test_the_page_is_one_file_that_reaches_this_endpoint_alone(get):
    page = get("/chat")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert not re.search(r"https?://|//cdn|@import|url\(|<iframe|<object|\son\w+=|\sstyle=", page.text)
    assert re.findall(r"\s(?:src|href)=\"([^\"]*)\"", page.text) == ["data:,"]


@pytest.mark.parametrize("tag", ["script", "style"])
def test_its_policy_allows_exactly_what_is_in_it(get, tag):
    page = get("/chat")
    policy = dict(part.split(" ", 1) for part in page.headers["content-security-policy"].split("; "))
    [content] = re.findall(rf"<{tag}>(.*?)</{tag}>", page.text, re.DOTALL)
    expected = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
    assert policy[f"{tag}-src"] == f"'sha256-{expected}'"
    assert "unsafe" not in page.headers["content-security-policy"]
    assert (policy["default-src"], policy["connect-src"], policy["form-action"]) == ("'none'", "'self'", "'none'")


def test_nobody_frames_it_and_nothing_of_it_is_guessed(get):
    headers = get("/chat").headers
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "require-trusted-types-for 'script'" in headers["content-security-policy"]
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


def test_its_script_makes_no_mark_up_of_text():
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|Function\(", chat_document().html
    )


def test_the_page_needs_no_key_and_what_it_asks_for_does(get):
    key_ring().add("minji", KeyLimits())
    assert get("/chat").status_code == 200
    assert get("/v1/models").status_code == 401
    assert get("/v1/requests/chatcmpl-1").status_code == 401


def test_an_answer_says_who_gave_it_and_from_what(make_shop, app_text):
    shop = make_shop(
        app_text.replace("{kind: prompt}", "{kind: python, callable: 'shop.py:answer'}"), files={"shop.py": PYTHON}
    )
    with shop.open():
        entry = shop.release(
            "ours", prompt=None, model=None, endpoint_model=None, parameters=None, code=digest(PYTHON)
        ).entry
        answer = shop.ask("텐트")
        told = httpx.get(f"http://127.0.0.1:{shop.port}/v1/requests/{answer.id}").json()
    assert told["passages"] == ["d1", "배송"]
    assert (told["candidate"], told["version"], told["outcome"]) == (entry.candidate, 1, "ok")


def test_the_tokens_and_the_time_of_an_answer_are_told(open_shop, get):
    open_shop.release("guide")
    answer = open_shop.ask("hi")
    told = get(f"/v1/requests/{answer.id}").json()
    assert told["usage"] == {
        "prompt_tokens": answer.usage.prompt_tokens,
        "completion_tokens": answer.usage.completion_tokens,
    }
    assert told["seconds"] >= told["first_token_seconds"] > 0
    assert set(told) & {"messages", "text", "key"} == set()


def test_only_whoever_asked_is_told(open_shop, get):
    open_shop.release("guide")
    minji, tom = (key_ring().add(name, KeyLimits()) for name in ("minji", "tom"))
    answer = open_shop.client(api_key=minji).chat.completions.create(
        model="shop", messages=[{"role": "user", "content": "hi"}]
    )
    assert get(f"/v1/requests/{answer.id}", minji).status_code == 200
    refused = get(f"/v1/requests/{answer.id}", tom)
    assert (refused.status_code, refused.json()["error"]["code"]) == (404, "unknown_request")
    assert get("/v1/requests/chatcmpl-none", tom).json()["error"]["message"] == (
        "no request 'chatcmpl-none' of yours was answered here"
    )
