import json
from dataclasses import replace

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from configs.errors import ConfigurationError
from configs.schema.app import Budget
from configs.schema.model import OpenAIModel
from infra.simulator.running import simulated
from tasks.calling.failures import CallFailure
from tasks.calling.reranking import rerank, rerank_identity
from tasks.calling.spend import Spend
from tasks.journal.journal import Journal

TEXTS = ("a red bag", "how heavy is the tent", "the tent")


@pytest.fixture
def app(make_app):
    def make(address):
        loaded = make_app(address)
        model = OpenAIModel(kind="openai", task="rerank", base_url=address, model="judge", retries=0, timeout_s=5)
        prices = {**loaded.prices, "ranks": loaded.prices["vectors"]}
        return replace(loaded, models={**loaded.models, "ranks": model}, prices=prices)

    return make


async def test_scores_come_in_the_passages_order_and_are_journaled(app, tmp_path):
    with simulated() as address, Journal(tmp_path / "journal.db") as journal:
        loaded, spend = app(address), Spend(Budget())
        how = {"loaded": loaded, "model": "ranks", "journal": journal, "epoch": "first", "spend": spend}
        scores = await rerank("how heavy is the tent", TEXTS, **how)
        again = await rerank("how heavy is the tent", TEXTS, **how)
    assert scores == again == (0.0, 1.0, 0.4)
    assert spend.made == 1


async def test_what_is_asked_is_what_vllm_llamacpp_and_jina_read(app):
    seen = []

    async def answer(request):
        seen.append((await request.json(), request.headers["authorization"]))
        return web.json_response(
            {"results": [{"index": 1, "relevance_score": 2.5}, {"index": 0, "relevance_score": -1}]}
        )

    served = web.Application()
    served.router.add_post("/v1/rerank", answer)
    async with TestServer(served) as server:
        loaded = app(str(server.make_url("/v1")))
        assert await rerank("q", ["a", "b"], loaded=loaded, model="ranks", journal=None, epoch="e") == (-1.0, 2.5)
    assert seen == [({"model": "judge", "query": "q", "documents": ["a", "b"], "top_n": 2}, "Bearer none")]


@pytest.mark.parametrize(
    ("reply", "status", "says"),
    [
        ({"results": [{"index": 0, "relevance_score": 1}]}, 200, "gave no relevance score for each of 2 passages"),
        ({"results": [{"index": 0, "relevance_score": 1}, {"index": 1, "relevance_score": "NaN"}]}, 200, "gave no"),
        (["?"], 200, "gave no relevance score"),
        ({"error": {"message": "no such model"}}, 404, "judge"),
    ],
)
async def test_a_reply_that_is_none_is_a_failed_call_in_one_line(app, reply, status, says):
    async def answer(_):
        return web.Response(text=json.dumps(reply), status=status, content_type="application/json")

    served = web.Application()
    served.router.add_post("/v1/rerank", answer)
    async with TestServer(served) as server:
        loaded = app(str(server.make_url("/v1")))
        with pytest.raises(CallFailure, match=says) as failure:
            await rerank("q", ["a", "b"], loaded=loaded, model="ranks", journal=None, epoch="e")
    assert "\n" not in str(failure.value)


def test_a_model_of_another_kind_is_refused(app):
    loaded = app("http://127.0.0.1:1/v1")
    assert rerank_identity(loaded, "ranks") == "judge at http://127.0.0.1:1/v1"
    with pytest.raises(ConfigurationError, match="'chat' is no reranking model; known are ranks; define one"):
        rerank_identity(loaded, "chat")
