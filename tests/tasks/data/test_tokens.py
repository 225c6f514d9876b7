"""Tokens, counted as the embedded model's own server counts them."""

import contextlib
import time

import httpx
import pytest

from benchmarks.ports import free_ports
from configs.errors import StackError
from infra.stack.weights import chat_weights
from tasks.data import tokens
from tasks.data.tokens import token_counter

TEXTS = (
    "abc  5 6",
    "Hello, it's 2024!   \n\n  x",
    "텐트는 방수입니다 12",
    "日本語テキスト",
    "€ 3,50 \t\t7",
    "emoji 🙂🙂 done",
    "don't DON'T\u00a0b",
    "x  \n 5\n\n5  ",
    "<|im_start|>user",
    "",
)


@pytest.mark.model
def test_texts_have_as_many_tokens_as_llama_cpp_makes_of_them():
    import xllamacpp

    (port,) = free_ports(1)
    parameters = xllamacpp.CommonParams()
    parameters.model.path, parameters.port, parameters.hostnames = str(chat_weights()), port, ["127.0.0.1"]
    parameters.n_ctx, parameters.cpuparams.n_threads, parameters.ui = 512, 1, False
    server = xllamacpp.Server(parameters)
    try:
        counts = [_asked(port, text) for text in TEXTS]
    finally:
        del server
    count = token_counter()
    assert [count(text) for text in TEXTS] == counts


def _asked(port, text):
    until = time.monotonic() + 60
    while True:
        with contextlib.suppress(httpx.HTTPError):
            asked = httpx.post(
                f"http://127.0.0.1:{port}/tokenize", json={"content": text, "parse_special": False}, trust_env=False
            )
            if asked.status_code == 200:
                return len(asked.json()["tokens"])
        assert time.monotonic() < until, "the server did not answer"
        time.sleep(0.05)


def test_a_word_is_few_tokens_and_a_digit_one():
    count = token_counter()
    assert [count(text) for text in ("", "the tent", "2024")] == [0, 2, 4]


def test_weights_without_a_vocabulary_are_named(tmp_path, monkeypatch):
    empty = tmp_path / "weights.gguf"
    empty.write_bytes(b"GGUF" + b"\0" * 64)
    monkeypatch.setattr("infra.stack.weights.chat_weights", lambda: empty)
    with pytest.raises(StackError, match=r"weights\.gguf: holds no merges of a BPE"):
        tokens.token_counter()
