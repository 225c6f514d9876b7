"""A scorer that asks: the same rules of failure as the plain ones, the journal, and the budget."""

import pytest

from infra.simulator.behaviour import Behaviour, Fault
from infra.simulator.running import calls, simulated
from tasks.calling.answer import Outcome
from tasks.calling.spend import Spend
from tasks.journal.journal import Journal
from tasks.scoring.asked import Means
from tasks.scoring.catalogue import scorers_of
from tasks.scoring.scoring import score_all

EMBEDDINGS = "/v1/embeddings"


@pytest.fixture
def rate(make_app, tmp_path):
    """Scores texts against references with the two scorers of an app at an address."""

    async def run(address, row, answer, pairs, budget=None, vectors=None, **answered):
        named = [{"name": "near", "scorer": "embedding_similarity"}, {"name": "exact"}]
        loaded = make_app(address, scorers=named, budget=budget, vectors=vectors)
        rows = [row(reference=reference) for _, reference in pairs]
        answers = [answer(text, **answered) for text, _ in pairs]
        with Journal(tmp_path / "journal.db") as journal:
            means = Means(loaded, journal, "first", Spend(loaded.app.budget))
            return await score_all(rows, answers, scorers_of(loaded), means)

    return run


def of(scores, metric):
    return [each for each in scores if each.metric == metric]


async def test_the_nearer_the_higher_and_the_same_is_one(rate, row, answer):
    pairs = [("a blue tent", "a blue tent"), ("a blue tent", "a blue bag"), ("  ", "a blue tent"), ("a", "")]
    with simulated() as address:
        scores = await rate(address, row, answer, pairs)
    near = of(scores, "near")
    assert near[0].value == pytest.approx(1)
    assert -1 <= near[1].value < 1
    assert (near[2].value, near[2].why) == (0, "says nothing")
    assert (near[3].value, near[3].why) == (None, "the row has no reference")
    assert [each.value for each in of(scores, "exact")] == [1, 0, 0, None]


async def test_what_was_asked_once_is_not_asked_again(rate, row, answer):
    with simulated() as address:
        first = await rate(address, row, answer, [("a", "b")])
        asked = calls(address)[EMBEDDINGS]
        assert await rate(address, row, answer, [("a", "b")]) == first
        assert calls(address)[EMBEDDINGS] == asked


async def test_an_endpoint_that_fails_is_a_failed_instrument_and_the_others_stand(rate, row, answer):
    with simulated(Behaviour(faults=(Fault(kind="unauthorized"),))) as address:
        scores = await rate(address, row, answer, [("a", "b"), ("b", "b")])
    assert [(each.value, each.outcome) for each in of(scores, "near")] == [(None, Outcome.SCORER_ERROR)] * 2
    assert "not authorized" in scores[-1].why
    assert [each.value for each in of(scores, "exact")] == [0, 1]


async def test_a_text_that_the_model_refuses_fails_its_own_row(rate, row, answer):
    with simulated(Behaviour(faults=(Fault(kind="too_long", contains="endless"),))) as address:
        scores = await rate(address, row, answer, [("endless", "b"), ("b", "b")])
    assert [each.outcome for each in of(scores, "near")] == [Outcome.SCORER_ERROR, Outcome.OK]


async def test_what_the_budget_cuts_off_is_skipped(rate, row, answer):
    pairs = [(f"answer {number}", f"reference {number}") for number in range(40)]
    with simulated() as address:
        scores = await rate(address, row, answer, pairs, budget={"calls": 1})
    assert {each.outcome for each in of(scores, "near")} == {Outcome.SKIPPED}
    assert "budget of 1 calls is used up" in of(scores, "near")[0].why


async def test_a_row_that_was_not_answered_is_not_asked_about(rate, row, answer):
    with simulated() as address:
        scores = await rate(address, row, answer, [("", "b")], outcome=Outcome.APP_ERROR, cause="status 500")
        assert calls(address).get(EMBEDDINGS, 0) == 0
    assert {(each.outcome, each.why) for each in scores} == {(Outcome.APP_ERROR, "status 500")}


def test_its_identity_names_the_model(make_app):
    named = [{"name": "near", "scorer": "embedding_similarity"}, {"name": "embedding_similarity", "model": "minilm"}]
    near, own = scorers_of(make_app("http://127.0.0.1:9/v1", scorers=named))
    assert near.identity.startswith("near=embedding_similarity:1:model=hashed")
    assert own.identity.startswith("embedding_similarity:1:model=")
    assert near.identity != own.identity
    assert (near.metric.low, near.metric.high) == (-1, 1)
