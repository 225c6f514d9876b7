"""The same calls against the model that travels with the project."""

import os
import subprocess
import sys
import time
import unicodedata

import httpx
import numpy as np
import pytest

from benchmarks.ports import free_ports
from configs.schema.app import Parameters
from configs.schema.model import EmbeddedModel
from configs.settings import settings
from tasks.calling.chat import call_model
from tasks.calling.embedding import embed
from tasks.calling.failures import CallFailure, FailureKind
from tasks.data.row import Message

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """Serves both embedded models on free ports; yields the ports by task."""
    home = tmp_path_factory.mktemp("home")
    ports = dict(zip(("chat", "embedding"), free_ports(2), strict=True))
    variables = {f"LIFECYCLE_{task.upper()}_PORT": str(port) for task, port in ports.items()}
    environment = {**os.environ, **variables, "LIFECYCLE_HOME": str(home), "LIFECYCLE_CHAT_SLOTS": "2"}
    servers = [
        subprocess.Popen(
            [sys.executable, "-m", "infra.stack.embedded", task], env=environment, stderr=subprocess.DEVNULL
        )
        for task in ports
    ]
    try:
        for port in ports.values():
            _wait_for(f"http://127.0.0.1:{port}/health")
        yield ports
    finally:
        for server in servers:
            server.terminate()
            server.wait(10)


def _wait_for(address):
    for _ in range(600):
        try:
            if httpx.get(address, trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"{address} does not answer")


@pytest.fixture
def embedded(served, monkeypatch):
    for task, port in served.items():
        monkeypatch.setenv(f"LIFECYCLE_{task.upper()}_PORT", str(port))
    settings.cache_clear()
    yield
    settings.cache_clear()


async def test_an_answer_with_tokens_and_times(embedded):
    model = EmbeddedModel(kind="embedded", task="chat")
    messages = (Message("user", "Name one colour, in one word."),)
    reply = await call_model(model, messages, Parameters(max_tokens=8))
    assert reply.text
    assert reply.usage.input > 5
    assert 1 <= reply.usage.output <= 8
    assert 0 < reply.latency.first_token <= reply.latency.total


async def test_a_prompt_that_does_not_fit_says_so(embedded):
    model = EmbeddedModel(kind="embedded", task="chat")
    with pytest.raises(CallFailure, match="the prompt is too long for it") as raised:
        await call_model(model, (Message("user", "word " * 3000),), Parameters(max_tokens=8))
    assert raised.value.kind is FailureKind.TOO_LONG


async def test_embeddings_know_what_is_alike(embedded, make_app):
    texts = ["How heavy is the tent?", "What does the tent weigh?", "When does the shop open?", "텐트가 무거운가요?"]
    vectors = await embed(texts, loaded=make_app("http://127.0.0.1:1/v1"), model="minilm", journal=None, epoch="e")
    assert vectors.shape == (4, 384)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2]


async def test_a_korean_text_reads_the_same_composed_or_not(embedded, make_app):
    composed = "텐트가 무거운가요?"
    texts = [composed, unicodedata.normalize("NFD", composed), "배송은 며칠 걸리나요?"]
    vectors = await embed(texts, loaded=make_app("http://127.0.0.1:1/v1"), model="minilm", journal=None, epoch="e")
    assert vectors[0] @ vectors[1] > 0.9999
    assert vectors[0] @ vectors[2] < 0.99


@pytest.mark.parametrize("word", ["tent ", "텐트가 "])
async def test_a_text_longer_than_the_model_reads_is_cut(embedded, make_app, word):
    texts = [word * 2000, word * 3000]
    vectors = await embed(texts, loaded=make_app("http://127.0.0.1:1/v1"), model="minilm", journal=None, epoch="e")
    assert vectors[0] @ vectors[1] > 0.99
