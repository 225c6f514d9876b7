"""Evaluating until a gate is settled: only as many rows are asked as that takes, and none of them twice."""

from dataclasses import replace

import pytest

from configs.errors import EndpointError
from configs.schema.app import Gates
from configs.schema.gate import Gate, Rule
from infra.simulator.behaviour import Behaviour, Fault
from infra.simulator.behaviour import Rule as Answering
from infra.simulator.running import calls, simulated
from tasks.evaluating.asking import Asking
from tasks.evaluating.deciding import evaluate_and_decide
from tasks.evaluating.evaluate import check_answered, evaluate_candidate

CHAT = "/v1/chat/completions"
AT_LEAST, NOT_WORSE = Rule(metric="exact", at_least=0.7), Rule(metric="exact", not_worse_than_champion_by=0.1)


@pytest.fixture
def gated(make_app):
    """Makes an app whose gates have these rules and stop early."""

    def make(address, *rules, **settings):
        loaded = make_app(address)
        gate = Gate(rules=rules, **{"stop_early": True} | settings)
        app = loaded.app.model_copy(update={"gates": Gates(sample=gate, release=gate)})
        return replace(loaded, app=app)

    return make


@pytest.fixture
def champion(make_candidate):
    """Makes another candidate, whose system message says so."""
    return lambda loaded: make_candidate(loaded, ("system", "champion"), ("user", "{{question}}"))


async def test_rows_are_asked_until_it_is_settled_and_the_same_ones_again_without_a_call(
    workspace, dataset, gated, make_candidate
):
    with simulated() as address:
        loaded = gated(address, AT_LEAST)
        candidate, data = make_candidate(loaded), dataset(300)
        first = await evaluate_and_decide(workspace(loaded), candidate, None, data, Asking())
        asked = calls(address)[CHAT]
        again = await evaluate_and_decide(workspace(loaded), candidate, None, data, Asking())
        assert calls(address)[CHAT] == asked
    assert first.verdict.decision == "PASS"
    assert asked == first.verdict.rows_used == len(first.evaluation.rows) < 60
    assert (first.evaluation.available, first.verdict.rows_available) == (300, 300)
    assert {each.method for each in first.evaluation.estimates if each.metric == "exact"} == {"betting"}
    assert again.verdict == first.verdict
    assert again.evaluation.id == first.evaluation.id


async def test_what_is_broken_is_settled_too(workspace, dataset, gated, make_candidate):
    with simulated(Behaviour(rules=(Answering(contains="", answer="wrong"),))) as address:
        loaded = gated(address, AT_LEAST)
        done = await evaluate_and_decide(workspace(loaded), make_candidate(loaded), None, dataset(300), Asking())
        assert calls(address)[CHAT] == done.verdict.rows_used < 40
    assert done.verdict.decision == "FAIL"


async def test_the_champion_is_asked_the_same_rows(workspace, dataset, gated, make_candidate, champion):
    with simulated() as address:
        loaded = gated(address, NOT_WORSE)
        data = dataset(300)
        done = await evaluate_and_decide(workspace(loaded), make_candidate(loaded), champion(loaded), data, Asking())
        assert calls(address)[CHAT] == 2 * done.verdict.rows_used < 300
    assert done.verdict.decision == "PASS"
    assert done.verdict.evaluations == (done.evaluation.id, done.beside.id)
    assert done.evaluation.rows["row_id"].tolist() == done.beside.rows["row_id"].tolist()


async def test_a_champion_that_was_asked_everything_is_asked_nothing(
    workspace, dataset, gated, make_candidate, champion
):
    with simulated() as address:
        loaded = gated(address, NOT_WORSE)
        data = dataset(200)
        whole = await evaluate_candidate(workspace(loaded), champion(loaded), data)
        done = await evaluate_and_decide(workspace(loaded), make_candidate(loaded), champion(loaded), data, Asking())
        assert calls(address)[CHAT] == 200 + done.verdict.rows_used < 400
    assert done.beside.id == whole.id
    assert done.verdict.rules[0].estimate.coverage == 1


async def test_the_rest_is_asked_where_everything_is_wanted(workspace, dataset, gated, make_candidate):
    with simulated() as address:
        loaded = gated(address, AT_LEAST)
        candidate, data = make_candidate(loaded), dataset(100)
        part = await evaluate_and_decide(workspace(loaded), candidate, None, data, Asking())
        whole = await evaluate_and_decide(workspace(loaded), candidate, None, data, Asking(everything=True))
        assert calls(address)[CHAT] == 100
    assert len(part.evaluation.rows) < len(whole.evaluation.rows) == 100
    assert part.evaluation.id != whole.evaluation.id == whole.evaluation.identity


async def test_rows_that_all_fail_are_no_verdict_and_not_asked_to_the_end(workspace, dataset, gated, make_candidate):
    fault = Fault(kind="too_long", share=0.5)
    with simulated(Behaviour(faults=(fault,))) as address:
        loaded = gated(address, AT_LEAST)
        done = await evaluate_and_decide(workspace(loaded), make_candidate(loaded), None, dataset(200), Asking())
        assert calls(address)[CHAT] < 60
    assert done.verdict.decision == "INCONCLUSIVE"
    assert "too few of its rows were answered" in done.verdict.short


async def test_clusters_are_asked_whole(workspace, dataset, gated, make_candidate):
    with simulated() as address:
        loaded = gated(address, AT_LEAST)
        data = dataset(200)
        rows = tuple(replace(row, cluster=f"c{number // 10}") for number, row in enumerate(data.rows))
        done = await evaluate_and_decide(
            workspace(loaded), make_candidate(loaded), None, replace(data, rows=rows), Asking()
        )
    assert set(done.evaluation.rows["cluster"].value_counts()) == {10}
    assert done.verdict.rules[0].estimate.method == f"betting, {len(done.evaluation.rows) // 10} clusters"


@pytest.mark.parametrize("early", [True, False])
async def test_where_every_row_fails_nothing_is_decided(workspace, dataset, gated, make_candidate, early):
    with simulated(Behaviour(faults=(Fault(kind="too_long"),))) as address:
        loaded = gated(address, AT_LEAST, NOT_WORSE, stop_early=early)
        candidate = make_candidate(loaded)
        done = await evaluate_and_decide(workspace(loaded), candidate, candidate, dataset(40), Asking())
        assert calls(address)[CHAT] == (16 if early else 40)
    assert done.verdict.decision == "INCONCLUSIVE"
    assert done.evaluation.outcomes["app_error"] == len(done.evaluation.rows)
    assert "no row scored: " in done.verdict.short
    assert "too long" in done.verdict.short
    with pytest.raises(EndpointError, match="answered no row of sample: "):
        check_answered(done.evaluation)
