"""Pages of other sites ask nothing of an endpoint that needs no key; its own page and programs are answered."""

import json
import socket

import httpx
import pytest

from tasks.serving.keys import KeyLimits, key_ring

ASKED = {"model": "shop", "messages": [{"role": "user", "content": "hi"}]}


def post(shop, path="/v1/chat/completions", **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.post(f"http://127.0.0.1:{shop.port}{path}", content=json.dumps(ASKED), headers=named)


@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_site": "cross-site", "origin": "https://evil.example", "content_type": "text/plain"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site", "origin": "http://localhost:3000"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
    ],
)
def test_a_page_of_another_site_asks_nothing(open_shop, headers):
    open_shop.release("guide")
    for path in ("/v1/chat/completions", "/admin/reload", "/v1/feedback"):
        answer = post(open_shop, path, **headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "cross_origin"), path
    assert len(open_shop.served) == 1, "the test of the release"


def test_the_endpoint_s_own_page_and_programs_are_answered(open_shop):
    open_shop.release("guide")
    origin = f"http://127.0.0.1:{open_shop.port}"
    for headers in ({}, {"origin": origin}, {"origin": origin, "sec_fetch_site": "same-origin"}):
        assert post(open_shop, **headers).status_code == 200
    linked = httpx.get(f"{origin}/chat", headers={"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"})
    assert linked.status_code == 200


@pytest.mark.parametrize("path", ["/v1/models", "/health", "/chat"])
def test_a_name_that_was_made_to_stand_for_loopback_is_not_answered(open_shop, path):
    for host in ("evil.example", f"evil.example:{open_shop.port}", "127.0.0.1.evil.example", "[::2]"):
        answer = httpx.get(f"http://127.0.0.1:{open_shop.port}{path}", headers={"host": host})
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "not_local"), host
    for host in ("localhost", f"LocalHost:{open_shop.port}", "127.0.0.1", "[::1]", f"[::1]:{open_shop.port}"):
        answer = httpx.get(f"http://127.0.0.1:{open_shop.port}{path}", headers={"host": host})
        assert answer.status_code == 200, host


def test_a_client_that_names_no_host_is_answered(open_shop):
    with socket.create_connection(("127.0.0.1", open_shop.port)) as connection:
        connection.sendall(b"GET /live HTTP/1.0\r\n\r\n")
        assert b" 200 " in connection.recv(1000).partition(b"\r\n")[0]


def test_where_a_key_is_needed_the_key_alone_counts(open_shop):
    open_shop.release("guide")
    secret = key_ring().add("minji", KeyLimits())
    from_a_proxy = {"host": "shop.example.com", "origin": "https://app.example.com", "sec_fetch_site": "cross-site"}
    assert post(open_shop, **from_a_proxy).status_code == 401
    assert post(open_shop, authorization=f"Bearer {secret}", **from_a_proxy).status_code == 200
