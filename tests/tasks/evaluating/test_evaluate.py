"""Evaluating: rows stream through, what failed is asked again alone, and what it takes is said before."""

from dataclasses import replace

import pytest

from configs.errors import ConfigurationError, EndpointError
from infra.simulator.behaviour import Behaviour, Fault
from infra.simulator.behaviour import Rule as Answering
from infra.simulator.running import calls, requests, simulated, statistics
from tasks.estimating import estimate_asking
from tasks.evaluating.asking import Asking
from tasks.evaluating.evaluate import evaluate_candidate
from tasks.progress import shown_on
from tasks.scoring.catalogue import metrics_of, scorers_of

CHAT = "/v1/chat/completions"


async def test_rows_are_stored_in_the_datasets_order_whatever_order_they_are_answered_in(
    workspace, dataset, make_app, make_candidate
):
    with simulated(Behaviour(latency_s=0.02, latency_sigma=1.0)) as address:
        loaded = make_app(address)
        evaluation = await evaluate_candidate(workspace(loaded), make_candidate(loaded), dataset(300))
    stored = list(evaluation.whole_rows())
    assert [row["row_id"] for row in stored] == [f"r{number}" for number in range(1, 301)]
    assert [row["answer"] for row in stored] == [row["question"] for row in stored]
    assert evaluation.rows["row_id"].tolist() == [row["row_id"] for row in stored]
    assert evaluation.estimate("latency_total").n == 300
    assert set(metrics_of(scorers_of(loaded))) == {e.metric for e in evaluation.estimates}


async def test_a_stored_evaluation_is_not_asked_again_and_another_scorer_asks_nothing(
    workspace, dataset, make_app, make_candidate
):
    with simulated() as address:
        loaded = make_app(address)
        candidate, data = make_candidate(loaded), dataset(20)
        first = await evaluate_candidate(workspace(loaded), candidate, data)
        again = await evaluate_candidate(workspace(loaded), candidate, data)
        scorers = (*loaded.app.scorers, loaded.app.scorers[0].model_copy(update={"name": "token_f1"}))
        object.__setattr__(loaded, "app", loaded.app.model_copy(update={"scorers": scorers}))
        other = await evaluate_candidate(workspace(loaded), candidate, data)
        assert calls(address)[CHAT] == 20
    assert again.id == first.id != other.id
    assert other.estimate("token_f1").n == 20


async def test_only_the_rows_that_failed_are_asked_again(workspace, dataset, make_app, make_candidate):
    fault = Fault(kind="server_error", contains="number 7", times=1)
    with simulated(Behaviour(faults=(fault,))) as address:
        loaded = make_app(address)
        candidate, data = make_candidate(loaded), dataset(10)
        with pytest.raises(ConfigurationError, match="run evaluate without --only-failed first"):
            await evaluate_candidate(workspace(loaded), candidate, data, Asking(only_failed=True))
        part = await evaluate_candidate(workspace(loaded), candidate, data)
        assert (part.rows["outcome"] == "ok").sum() == 9
        whole = await evaluate_candidate(workspace(loaded), candidate, data, Asking(only_failed=True))
        assert (whole.rows["outcome"] == "ok").all()
        assert [request["messages"][-1]["content"] for request in requests(address)[10:]] == ["question number 7"]
    assert part.id != whole.id


SCORER = """
from tasks.scoring.scorer import Rating, scorer

@scorer("quality", version="1")
def short(row, answer):
    \"""Share of brevity.\"""
    return Rating(FIRST if row.id == "r3" else 1.0)
"""


async def test_an_edited_scorer_scores_again_without_a_call(workspace, dataset, make_app, make_candidate, tmp_path):
    file = tmp_path / "scorers.py"
    file.write_text(SCORER.replace("FIRST", "float('nan')"), encoding="utf-8")
    with simulated(Behaviour(faults=(Fault(kind="too_long", contains="number 6"),))) as address:
        loaded = make_app(address, scorers=[{"name": "exact"}, {"name": "short", "file": "scorers.py"}])
        candidate, data = make_candidate(loaded), dataset(8)
        first = await evaluate_candidate(workspace(loaded), candidate, data)
        assert first.outcomes == {"ok": 6, "app_error": 1, "scorer_error": 1, "skipped": 0}
        asked = calls(address)[CHAT]
        file.write_text(SCORER.replace("FIRST", "0.5"), encoding="utf-8")
        again = await evaluate_candidate(workspace(loaded), candidate, data)
        assert again.outcomes == {"ok": 7, "app_error": 1, "scorer_error": 0, "skipped": 0}
        assert calls(address)[CHAT] == asked + 1, "only what was not answered"
    assert first.identity != again.identity
    assert again.estimate("short").value == pytest.approx(6.5 / 7)


async def test_what_it_was_expected_to_take_is_kept_with_it(workspace, dataset, make_app, make_candidate):
    with simulated() as address:
        loaded = make_app(address, price=(1, 1))
        opened = workspace(loaded)
        evaluation = await evaluate_candidate(opened, make_candidate(loaded), dataset(5))
    assert evaluation.expected.calls == 5
    assert evaluation.expected.price > 0
    assert opened.store.load(evaluation.id).expected == evaluation.expected


async def test_rows_may_be_asked_through_batch_files(workspace, dataset, make_app, make_candidate):
    with simulated(Behaviour(batch_s=0.0)) as address:
        loaded = make_app(address, price=(1, 1))
        work = workspace(loaded)
        evaluation = await evaluate_candidate(work, make_candidate(loaded), dataset(12), Asking(deferred=True))
        assert calls(address).get(CHAT, 0) == 0
        assert statistics(address)["batch_lines"] == 12
    assert (evaluation.rows["outcome"] == "ok").all()
    assert evaluation.estimate("latency_total").value is None, "nobody waited for it"
    tokens = evaluation.rows["input_tokens"].sum() + evaluation.rows["output_tokens"].sum()
    assert evaluation.rows["price"].sum() == pytest.approx(tokens / 1e6 / 2)


async def test_judges_are_asked_through_batch_files_too(workspace, dataset, make_app, make_candidate):
    judged = Answering(contains="", answer='{"reason": "Because.", "score": 4}')
    with simulated(Behaviour(batch_s=0.0, rules=(judged,))) as address:
        loaded = make_app(address, price=(1, 1), scorers=[{"name": "exact"}, {"name": "relevance", "model": "chat"}])
        candidate, data = make_candidate(loaded), dataset(300)
        work = workspace(loaded)
        evaluation = await evaluate_candidate(work, candidate, data, Asking(deferred=True))
        told = statistics(address)
        again = await evaluate_candidate(workspace(loaded), candidate, replace(data, digest="new"))
        assert calls(address).get(CHAT, 0) == 0
    assert (told["batches"], told["batch_lines"]) == (2, 600), "one of answers, one of ratings, however many rows"
    assert evaluation.outcomes["ok"] == 300
    assert evaluation.estimate("relevance").value == again.estimate("relevance").value == 4


async def test_a_target_that_answers_nothing_stores_nothing(workspace, dataset, make_app, make_candidate, tmp_path):
    with simulated(Behaviour(faults=(Fault(kind="unauthorized"),))) as address:
        loaded = make_app(address)
        with pytest.raises(EndpointError, match=r"answered no row of shop/sample: .*not authorized"):
            await evaluate_candidate(workspace(loaded), make_candidate(loaded), dataset(40))
    assert list((tmp_path / "results/evaluations").iterdir()) == []


async def test_what_it_will_take_is_said_before_anything_is_asked(workspace, dataset, make_app, make_candidate):
    said = []

    class Listening:
        def bar(self, label, total):
            return self

        def advance(self, note=""): ...

        def close(self): ...

        def say(self, line):
            said.append((line, sum(calls(address).values())))

    with simulated() as address, shown_on(Listening()):
        loaded = make_app(address, price=(10, 10))
        work, candidate = workspace(loaded), make_candidate(loaded)
        await evaluate_candidate(work, candidate, dataset(200))
        line, before = said[0]
        assert line.startswith("sample · brief · chat · ") and "about 200 calls" in line
        assert before == 0
        assert work.spend.expected_calls == work.spend.made == 200
        again = await estimate_asking(work, candidate, dataset(200, "the same rows by another name"))
        assert (again.calls, again.price) == (0, 0.0)
        more = await estimate_asking(work, candidate, dataset(400))
        assert more.calls == pytest.approx(200, rel=0.1)
        assert more.seconds > 0


async def test_whoever_watches_is_told_how_far_it_is(workspace, dataset, make_app, make_candidate):
    told = []

    async def watch(progress):
        told.append(progress)

    with simulated() as address:
        loaded = make_app(address)
        await evaluate_candidate(workspace(loaded), make_candidate(loaded), dataset(30), Asking(watch=watch))
    last = told[-1]
    assert (last.done, last.total, last.failed, last.at_once) == (30, 30, 0, 0)
    assert str(last).startswith("30 of 30 rows, ")


async def test_a_ratio_of_two_metrics_is_a_metric_of_the_evaluation_and_of_no_row(
    workspace, dataset, make_app, make_candidate
):
    scorers = [{"name": "exact"}, {"name": "price_per_correct", "settings": {"correct": "exact"}}]
    with simulated() as address:
        loaded = make_app(address, price=(1, 1), scorers=scorers)
        evaluation = await evaluate_candidate(workspace(loaded), make_candidate(loaded), dataset(5))
    assert evaluation.estimate("price_per_correct") is not None
    assert "price_per_correct" not in evaluation.scores.columns
    assert {row["outcome"] for row in evaluation.whole_rows()} == {"ok"}


async def test_what_the_budget_kept_a_scorer_from_asking_is_asked_by_the_next_run(
    workspace, dataset, make_app, make_candidate
):
    scorers = [{"name": "exact"}, {"name": "embedding_similarity"}]
    with simulated() as address:
        capped = make_app(address, scorers=scorers, budget={"calls": 6})
        candidate, data = make_candidate(capped), dataset(6)
        part = await evaluate_candidate(workspace(capped), candidate, data)
        assert part.outcomes["ok"] == 6
        assert (part.estimate("embedding_similarity").n, part.estimate("embedding_similarity").coverage) == (0, 0)
        loaded = make_app(address, scorers=scorers)
        whole = await evaluate_candidate(workspace(loaded), candidate, data)
        assert calls(address)[CHAT] == 6, "the answers are in the journal"
    assert part.identity == whole.identity == whole.id != part.id
    assert whole.estimate("embedding_similarity").value == pytest.approx(1)
