"""What an evaluation is said to take before it begins holds, the scorers that ask a model included."""

from dataclasses import replace

import pytest

from infra.simulator.behaviour import Behaviour, Rule
from infra.simulator.running import calls, simulated
from tasks.candidates import explored
from tasks.data.row import Dataset
from tasks.estimating import estimate_asking
from tasks.evaluating.evaluate import evaluate_candidate

CHAT = "/v1/chat/completions"
JUDGEMENT = '{"reason": "' + "true " * 40 + '", "score": 4}'
JUDGING = Behaviour(rules=(Rule(contains="score", answer=JUDGEMENT, where="prompt"),))
MEANING, JUDGE = {"name": "embedding_similarity"}, {"name": "relevance", "model": "chat"}


@pytest.fixture
def long(make_rows):
    """Makes rows of a hundred words of four letters, each its own reference."""

    def make(n):
        rows = make_rows(*(f"q{number:02d} " * 100 for number in range(n)))
        return Dataset("shop", "sample", "long.jsonl", tuple(replace(row, reference=row.question) for row in rows), "l")

    return make


async def test_the_price_of_embeddings_is_said_before(workspace, long, make_app, make_candidate):
    with simulated() as address:
        loaded = make_app(address, price=(10, 10), scorers=[{"name": "exact"}, MEANING])
        work, candidate, data = workspace(loaded), make_candidate(loaded), long(64)
        expected = await estimate_asking(work, candidate, data)
        assert sum(calls(address).values()) == 0
        await evaluate_candidate(work, candidate, data)
    assert expected.calls == work.spend.made == 64 + 4
    assert expected.input_tokens == pytest.approx(work.spend.input_tokens, rel=0.05)
    assert expected.price == pytest.approx(work.spend.price, rel=0.05)


async def test_so_is_that_of_a_judge(workspace, long, make_app, make_candidate):
    with simulated(JUDGING) as address:
        loaded = make_app(address, price=(10, 10), scorers=[{"name": "exact"}, JUDGE])
        work, candidate = workspace(loaded), make_candidate(loaded)
        await evaluate_candidate(work, candidate, long(4))  # from which it knows how long the answers are
        before = replace(work.spend)
        expected = await estimate_asking(work, candidate, long(40))
        await evaluate_candidate(work, candidate, replace(long(40), digest="more"))
    assert expected.calls == work.spend.made - before.made == 2 * 36
    assert expected.price == pytest.approx(work.spend.price - before.price, rel=0.15)


async def test_both_orders_of_a_judge_that_compares_are_counted(workspace, long, make_app, make_candidate):
    said = Rule(contains="winner", answer='{"reason": "alike", "winner": "tie"}', where="prompt")
    with simulated(Behaviour(rules=(said,))) as address:
        loaded = make_app(address, scorers=[{"name": "exact"}, {"name": "preference", "model": "chat"}])
        work, candidate = workspace(loaded), make_candidate(loaded)
        expected = await estimate_asking(work, candidate, long(5))
        await evaluate_candidate(work, candidate, long(5))
    assert expected.calls == work.spend.made == 5 + 2 * 5


async def test_what_the_journal_knows_is_left_out(workspace, long, make_app, make_candidate):
    with simulated(JUDGING) as address:
        plain = make_app(address, price=(10, 10), scorers=[{"name": "exact"}])
        candidate, data = make_candidate(plain), long(16)
        await evaluate_candidate(workspace(plain), candidate, data)
        judged = make_app(address, price=(10, 10), scorers=[{"name": "exact"}, MEANING, JUDGE])
        work = workspace(judged)
        saved = work.journal.savings()
        expected = await estimate_asking(work, candidate, data)
        assert expected.calls == 1 + 16, "a request for all texts, and the judge about each answer"
        assert work.journal.savings() == saved, "a look is no reuse"
        await evaluate_candidate(work, candidate, data)
        assert (await estimate_asking(work, candidate, data)).calls == 0
    assert work.spend.made == expected.calls


async def test_answers_that_exist_cost_what_judging_them_costs(workspace, long, make_app, tmp_path):
    (tmp_path / "answers.jsonl").write_text('{"id": "r1", "answer": "A."}\n{"id": "r2", "answer": "B."}\n')
    with simulated(JUDGING) as address:
        target = {"kind": "answers", "path": "answers.jsonl"}
        loaded = make_app(address, price=(10, 10), target=target, scorers=[{"name": "exact"}, JUDGE])
        work, candidate = workspace(loaded), explored(loaded, ())[0]
        expected = await estimate_asking(work, candidate, long(2))
        await evaluate_candidate(work, candidate, long(2))
    assert expected.calls == work.spend.made == 2
    assert expected.price > 0
