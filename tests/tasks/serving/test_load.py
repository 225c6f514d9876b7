"""More than can be answered, slower than can be waited for: turned away in words, and nothing is held for ever."""

import gzip
import json
import socket
import threading
import time

import httpx
import openai
import pytest

from configs.settings import settings
from tasks.serving import body, streaming


@pytest.fixture
def narrow_shop(make_shop, monkeypatch):
    monkeypatch.setenv("LIFECYCLE_ENDPOINT_AT_ONCE", "2")
    settings.cache_clear()
    shop = make_shop()
    with shop.open():
        shop.release("guide")
        yield shop


def test_what_would_only_wait_is_turned_away_and_told_when_to_come_back(narrow_shop):
    streams = [narrow_shop.ask("word " * 5000, stream=True) for _ in range(2)]
    for stream in streams:
        next(iter(stream))
    with pytest.raises(openai.RateLimitError, match="2 requests are under way") as caught:
        narrow_shop.ask("hi")
    assert caught.value.response.headers["retry-after"] == "1"
    assert httpx.get(f"http://127.0.0.1:{narrow_shop.port}/ready").status_code == 503
    for stream in streams:
        stream.close()
    narrow_shop.wait_until(lambda: metric(narrow_shop, "lifecycle_requests_under_way") == 0)
    assert narrow_shop.ask("hi").choices[0].message.content == "guide: hi"
    assert httpx.get(f"http://127.0.0.1:{narrow_shop.port}/ready").status_code == 200


def test_a_client_that_leaves_frees_its_place(narrow_shop):
    for _ in range(3):
        stream = narrow_shop.ask("word " * 2000, stream=True)
        next(iter(stream))
        stream.close()
    narrow_shop.wait_until(lambda: metric(narrow_shop, "lifecycle_requests_under_way") == 0)
    narrow_shop.wait_until(lambda: len(narrow_shop.served) == 4)
    assert [each.answer.outcome for each in narrow_shop.served[1:]] == ["skipped"] * 3


def test_a_connection_on_which_no_request_comes_is_closed(shop, monkeypatch):
    monkeypatch.setattr("tasks.serving.server.HEAD_WITHIN_S", 0.3)
    with shop.open(), socket.create_connection(("127.0.0.1", shop.port)) as silent:
        silent.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
        silent.settimeout(10)
        assert silent.recv(100) == b""
    with shop.open(), socket.create_connection(("127.0.0.1", shop.port)) as kept:
        for _ in range(2):
            kept.sendall(b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n")
            kept.settimeout(10)
            assert kept.recv(1000).startswith(b"HTTP/1.1 200"), "one on which a request came is kept"
            time.sleep(1)


def test_a_body_that_does_not_come_is_not_waited_for(open_shop, monkeypatch):
    monkeypatch.setattr(body, "_BODY_WITHIN_S", 0.3)
    with socket.create_connection(("127.0.0.1", open_shop.port)) as slow:
        slow.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
        slow.settimeout(10)
        assert slow.recv(100).startswith(b"HTTP/1.1 408")


def test_a_compressed_body_is_not_unpacked(open_shop):
    bomb = gzip.compress(b" " * 60_000_000)
    answer = httpx.post(
        f"http://127.0.0.1:{open_shop.port}/v1/chat/completions", content=bomb, headers={"content-encoding": "gzip"}
    )
    assert answer.status_code == 415
    assert open_shop.health["status"] == "ok"


def test_a_client_that_does_not_read_is_given_up(open_shop, monkeypatch):
    monkeypatch.setattr(streaming, "_WRITE_WITHIN_S", 0.5)
    open_shop.release("guide")
    question = {"role": "user", "content": "word " * 100_000}
    body = json.dumps({"model": "shop", "stream": True, "messages": [question]}).encode()
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect(("127.0.0.1", open_shop.port))
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
        deaf.sendall(head.encode() + body)
        open_shop.wait_until(lambda: len(open_shop.served) == 2)
        open_shop.wait_until(lambda: metric(open_shop, "lifecycle_requests_under_way") == 0)


def test_a_release_is_tested_however_many_wait(narrow_shop):
    streams = [narrow_shop.ask("word " * 5000, stream=True) for _ in range(2)]
    for stream in streams:
        next(iter(stream))
    narrow_shop.release("better")
    assert narrow_shop.health["champion"]["version"] == 2
    for stream in streams:
        stream.close()


def test_what_was_served_is_counted(open_shop):
    open_shop.release("guide")
    open_shop.ask("hi")
    with pytest.raises(openai.InternalServerError):
        open_shop.ask("FAIL")
    assert metric(open_shop, 'lifecycle_answers_total{app="shop",outcome="ok"}') == 2  # the smoke test was one
    assert metric(open_shop, 'lifecycle_answers_total{app="shop",outcome="app_error"}') == 1
    assert metric(open_shop, 'lifecycle_requests_total{app="shop",status="502"}') == 1
    assert metric(open_shop, 'lifecycle_tokens_total{app="shop",kind="output"}') > 0
    assert metric(open_shop, 'lifecycle_answer_seconds_count{app="shop"}') == 2


def test_many_at_once_are_all_recorded(open_shop):
    open_shop.release("guide")
    answers, failed = [], []

    def ask(number):
        try:
            answers.append(open_shop.ask(f"question {number}").id)
        except openai.OpenAIError as error:
            failed.append(error)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert {each.id for each in open_shop.served} >= set(answers) and len(answers) == 40


def metric(shop, name):
    lines = httpx.get(f"http://127.0.0.1:{shop.port}/metrics").text.splitlines()
    return next(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))
