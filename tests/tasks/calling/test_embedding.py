"""Embeddings: batched, of length 1, asked once."""

import numpy as np
import pytest

from configs.errors import ConfigurationError
from configs.schema.app import Budget
from infra.simulator.behaviour import Behaviour, Fault
from infra.simulator.running import calls, simulated
from tasks.calling.asking import Spend
from tasks.calling.embedding import embed, embedding_identity
from tasks.calling.failures import CallFailure
from tasks.calling.spend import BudgetUsedUp
from tasks.journal.journal import Journal

ROUTE = "/v1/embeddings"


@pytest.fixture
def journal(tmp_path):
    with Journal(tmp_path / "journal.db") as opened:
        yield opened


async def test_one_row_a_text_in_order_and_asked_once(make_app, journal):
    texts = [f"text {number}" for number in range(70)] + ["text 0", "방수 재킷"]
    spend = Spend(Budget())
    with simulated() as address:
        options = {
            "loaded": make_app(address),
            "model": "vectors",
            "journal": journal,
            "epoch": "first",
            "spend": spend,
        }
        vectors = await embed(texts, **options)
        assert calls(address) == {ROUTE: 3}
        again = await embed(texts[::-1], **options)
        assert calls(address) == {ROUTE: 3}
        await embed(["방수 재킷", "new"], **options)
        assert calls(address) == {ROUTE: 4}
    assert (vectors.shape, vectors.dtype) == ((72, 64), np.float32)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1)
    assert (again == vectors[::-1]).all()
    assert (vectors[70] == vectors[0]).all()
    assert spend.made == 4
    used = journal.usage("first")[0]
    assert (used.kind, used.calls, used.input) == ("embedding", 72, spend.input_tokens)


async def test_no_texts_are_no_call(make_app, journal):
    vectors = await embed([], loaded=make_app("http://127.0.0.1:1/v1"), model="vectors", journal=journal, epoch="e")
    assert vectors.shape == (0, 0)


async def test_without_a_journal_nothing_is_kept(make_app):
    with simulated() as address:
        for _ in range(2):
            await embed(["a"], loaded=make_app(address), model="vectors", journal=None, epoch="e")
        assert calls(address) == {ROUTE: 2}


async def test_a_chat_model_is_refused(make_app, journal):
    loaded = make_app("http://127.0.0.1:1/v1")
    with pytest.raises(ConfigurationError, match=r"'chat' is no embedding model; known are minilm, vectors"):
        await embed(["a"], loaded=loaded, model="chat", journal=journal, epoch="e")
    assert embedding_identity(loaded, "vectors") == "hashed at http://127.0.0.1:1/v1"


@pytest.mark.parametrize("kind", ["half_json", "html", "empty", "server_error"])
async def test_vectors_that_are_none_are_a_failure_and_not_kept(make_app, journal, kind):
    with simulated(Behaviour(faults=(Fault(kind=kind, times=1),))) as address:
        options = {"loaded": make_app(address), "model": "vectors", "journal": journal, "epoch": "e"}
        with pytest.raises(CallFailure, match=f"model hashed at {address}: "):
            await embed(["a"], **options)
        assert journal.usage() == ()
        assert (await embed(["a"], **options)).shape == (1, 64)


async def test_the_budget_counts_embeddings_too(make_app, journal):
    spend = Spend(Budget(calls=1))
    with simulated() as address:
        options = {"loaded": make_app(address), "model": "vectors", "journal": journal, "epoch": "e", "spend": spend}
        await embed(["a"], **options)
        with pytest.raises(BudgetUsedUp):
            await embed(["b"], **options)
