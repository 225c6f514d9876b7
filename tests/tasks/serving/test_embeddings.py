"""Embeddings by the app's own model, as the openai SDK asks for them."""

import base64
import json
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime

import httpx
import numpy as np
import openai
import pytest

from infra.simulator.answering import embedding
from tasks.serving.embeddings import EmbeddingsRequest
from tasks.serving.keys import KeyLimits, key_ring
from tasks.serving.protocol import ProtocolError, read_request
from tasks.serving.record import record_store


@pytest.mark.parametrize("name", ["shop", "vectors"])
@pytest.mark.parametrize("encoding", ["float", "base64", None])
def test_vectors_by_the_app_s_name_or_the_model_s(open_shop, name, encoding):
    options = {"encoding_format": encoding} if encoding else {}
    texts = ["a tent", "배송은 며칠?"]
    answer = open_shop.client().embeddings.create(model=name, input=texts, **options)
    assert answer.model == name and [each.index for each in answer.data] == [0, 1]
    vectors = [
        np.frombuffer(base64.b64decode(each.embedding), "<f4") if encoding == "base64" else each.embedding
        for each in answer.data
    ]
    np.testing.assert_allclose(vectors, [embedding(text, 64) for text in texts], atol=1e-6)
    assert answer.usage.prompt_tokens == answer.usage.total_tokens > 0


def test_more_than_a_batch_keeps_its_order(open_shop):
    texts = [f"number {number}" for number in range(75)]
    answer = open_shop.client().embeddings.create(model="shop", input=texts)
    np.testing.assert_allclose(
        [each.embedding for each in answer.data], [embedding(text, 64) for text in texts], atol=1e-6
    )


def test_a_locked_store_holds_no_vectors_up_and_has_them_once_it_is_free(open_shop):
    with closing(sqlite3.connect(open_shop.log.path.parents[1] / "served" / "shop.db")) as database:
        database.execute("BEGIN IMMEDIATE")
        started = time.monotonic()
        assert open_shop.client().embeddings.create(model="shop", input="a tent").data
        assert time.monotonic() - started < 20, "the file is waited for thirty seconds"
        database.rollback()
        count = "SELECT count(*) FROM embedded"
        open_shop.wait_until(lambda: database.execute(count).fetchone() == (1,))


def test_one_text(open_shop):
    assert len(open_shop.client().embeddings.create(model="shop", input="a tent").data) == 1


@pytest.mark.parametrize(
    ("changes", "param", "message"),
    [
        ({"input": []}, "input", "at least 1 item"),
        ({"input": ""}, "input", "a text is empty"),
        ({"input": [1, 2]}, "input", "numbers of tokens are not read"),
        ({"input": ["x"] * 2049}, "input", "at most 2048 items"),
        ({"encoding_format": "int8"}, "encoding_format", "'float' or 'base64'"),
        ({"dimensions": 8}, "dimensions", "the model's own"),
    ],
)
def test_what_cannot_be_meant_names_its_key(changes, param, message):
    with pytest.raises(ProtocolError) as caught:
        read_request(json.dumps({"model": "shop", "input": "x"} | changes).encode(), EmbeddingsRequest)
    error = caught.value.body["error"]
    assert (caught.value.status, error["param"]) == (400, param)
    assert message in error["message"]


def test_an_unknown_model(open_shop):
    with pytest.raises(openai.NotFoundError, match="no model 'ada' here; the models are 'shop', 'vectors'"):
        open_shop.client().embeddings.create(model="ada", input="x")


def test_an_app_without_documents_has_none(make_shop, app_text):
    shop = make_shop(app_text.replace("retrieval: {documents: documents.jsonl, embedding_model: vectors}\n", ""))
    with shop.open(), pytest.raises(openai.BadRequestError, match="app shop has no documents"):
        shop.client().embeddings.create(model="shop", input="x")


def test_a_model_that_fails_is_one_line(open_shop):
    with pytest.raises(openai.InternalServerError, match="could not be embedded: model hashed") as caught:
        open_shop.client().embeddings.create(model="shop", input="FAIL")
    assert caught.value.status_code == 502


def test_they_count_on_the_key_and_are_recorded(make_shop, app_text):
    prices = {"as_of": "2026-11-28", "models": {"vectors": {"input": 1_000_000, "output": 0}}}
    shop = make_shop(app_text, files={"prices.yaml": json.dumps(prices)})
    with shop.open():
        client = shop.client(api_key=key_ring().add("minji", KeyLimits(tokens_per_minute=3, price_per_day=100)))
        client.embeddings.create(model="shop", input="one two three four five six seven")
        with pytest.raises(openai.RateLimitError, match="key minji: 3 tokens a minute"):
            client.embeddings.create(model="shop", input="one")
        told = httpx.get(f"http://127.0.0.1:{shop.port}/metrics").text
        assert 'lifecycle_embedded_tokens_total{app="shop"} 7.0' in told
    with record_store("shop") as store:
        [key] = key_ring().all()
        assert store.spent(key.id, datetime(2000, 1, 1, tzinfo=UTC)) == 7.0
        assert store.count() == 0, "texts that were embedded are no answers"
