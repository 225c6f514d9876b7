"""Every row is asked several times: at an endpoint that is of two minds, which of them by the whole request."""

from dataclasses import replace

import pytest

from configs.schema.app import Gates, Parameters
from configs.schema.gate import Gate
from configs.schema.gate import Rule as Demand
from infra.simulator.behaviour import Behaviour, Fault, Rule
from infra.simulator.running import calls, requests, simulated, statistics
from tasks.data.repeated import repeated
from tasks.data.row import Dataset
from tasks.estimating import estimate_asking
from tasks.evaluating.asking import Asking
from tasks.evaluating.batches import batches
from tasks.evaluating.deciding import evaluate_and_decide
from tasks.evaluating.evaluate import evaluate_candidate
from tasks.evaluating.under_way import identity_of
from tasks.progress import shown_on

CHAT = "/v1/chat/completions"
TWO_MINDS = Behaviour(rules=(Rule(contains="", answer="right", others=("wrong",)),))
WARM = Parameters(temperature=1.0, seed=7)
SCORERS = [
    {"name": "exact"},
    {"name": "solved", "scorer": "pass_at_k", "settings": {"of": "exact", "k": 3}},
    {"name": "reliable", "scorer": "pass_hat_k", "settings": {"of": "exact", "k": 3}},
]


@pytest.fixture
def plain(make_rows):
    """Makes a dataset of so many rows whose answer is `right`."""

    def make(n):
        rows = make_rows(*(f"question number {number}" for number in range(n)))
        return Dataset("shop", "sample", "rows.jsonl", tuple(replace(row, reference="right") for row in rows), "data")

    return make


def gated(loaded, gate):
    """Returns an app both of whose gates are this one."""
    return replace(loaded, app=loaded.app.model_copy(update={"gates": Gates(sample=gate, release=gate)}))


@pytest.fixture
def data(plain):
    """Makes such a dataset, each row of it asked five times."""
    return lambda n: repeated(plain(n), 5)


async def test_an_endpoint_that_honours_seeds_gives_other_answers(workspace, data, make_app, make_candidate):
    with simulated(TWO_MINDS) as address:
        loaded = make_app(address, scorers=SCORERS, repeats=5)
        candidate, asked = make_candidate(loaded, parameters=WARM), data(40)
        evaluation = await evaluate_candidate(workspace(loaded), candidate, asked)
        seeds = [request["seed"] for request in requests(address)]
        again = await evaluate_candidate(workspace(loaded), candidate, asked)
        assert calls(address)[CHAT] == 200
    assert sorted(seeds) == [seed for seed in range(7, 12) for _ in range(40)]
    assert (again.id, evaluation.available, len(evaluation.rows)) == (evaluation.id, 200, 200)
    one, some, every = (evaluation.estimate(name) for name in ("exact", "solved", "reliable"))
    assert (one.n, some.n, every.n) == (200, 40, 40)
    assert one.value == pytest.approx(1 / 2, abs=0.15), "as if a coin was tossed for each answer"
    assert some.value == pytest.approx(7 / 8, abs=0.1)
    assert every.value == pytest.approx(1 / 8, abs=0.1)
    assert some.low < some.value < some.high


async def test_answers_that_are_there_are_not_asked_again_and_their_evaluation_stays(
    workspace, plain, data, make_app, make_candidate
):
    with simulated(TWO_MINDS) as address:
        once, often = make_app(address, scorers=SCORERS[:1]), make_app(address, scorers=SCORERS[:1], repeats=5)
        candidate = make_candidate(once, parameters=WARM)
        first = await evaluate_candidate(workspace(once), candidate, plain(10))
        expected = await estimate_asking(workspace(often), candidate, data(10))
        whole = await evaluate_candidate(workspace(often), candidate, data(10))
        assert expected.calls == 40
        assert calls(address)[CHAT] == 50
    assert first.id != whole.id
    assert identity_of(workspace(once), candidate, plain(10)) == first.id
    answers = {row["row_id"]: row["answer"] for row in whole.whole_rows()}
    assert all(answers[row["row_id"]] == row["answer"] for row in first.whole_rows())


async def test_deferred_they_are_lines_of_their_own_and_the_same_answers(workspace, data, make_app, make_candidate):
    with simulated(TWO_MINDS.model_copy(update={"batch_s": 0.0})) as address:
        loaded = make_app(address, scorers=SCORERS, repeats=5)
        candidate = make_candidate(loaded, parameters=WARM)
        evaluation = await evaluate_candidate(workspace(loaded), candidate, data(8), Asking(deferred=True))
        assert (statistics(address)["batch_lines"], calls(address).get(CHAT, 0)) == (40, 0)
    by_row = evaluation.rows.assign(right=evaluation.scores["exact"]).groupby("cluster")["right"].nunique()
    assert (by_row == 2).any(), "another seed, another answer"


async def test_where_too_few_answers_came_coverage_says_so(workspace, data, make_app, make_candidate):
    faults = (Fault(kind="server_error", contains="number 3", share=0.9),)
    with simulated(TWO_MINDS.model_copy(update={"faults": faults})) as address:
        loaded = make_app(address, scorers=SCORERS, repeats=5)
        evaluation = await evaluate_candidate(workspace(loaded), make_candidate(loaded, parameters=WARM), data(4))
    failed = evaluation.outcomes["app_error"]
    assert failed >= 3, "of five answers fewer than three are left"
    assert evaluation.estimate("exact").n == 20 - failed
    assert (evaluation.estimate("solved").n, evaluation.estimate("solved").coverage) == (3, 0.75)


async def test_a_gate_that_stops_early_draws_whole_rows_with_all_their_answers(
    workspace, data, make_app, make_candidate
):
    always = Behaviour(rules=(Rule(contains="", answer="right"),))
    with simulated(always) as address:
        loaded = make_app(address, scorers=SCORERS, repeats=5)
        loaded = gated(loaded, Gate(rules=(Demand(metric="reliable", at_least=0.7),), stop_early=True))
        decided = await evaluate_and_decide(
            workspace(loaded), make_candidate(loaded, parameters=WARM), None, data(100), Asking()
        )
    assert decided.verdict.decision == "PASS"
    assert decided.verdict.rows_available == 500
    assert decided.verdict.rows_used == 5 * decided.verdict.rules[0].estimate.n
    assert decided.verdict.rules[0].estimate.n <= 20, "as soon as if each row was one answer"
    shown = decided.evaluation.estimate("reliable")
    assert (shown.method, shown.n) == ("betting", decided.verdict.rules[0].estimate.n)
    assert shown.low > 0.6


async def test_a_champion_is_compared_over_all_answers_to_the_same_rows(workspace, data, make_app, make_candidate):
    rules = (Rule(contains="champion", answer="wrong", where="prompt"), *TWO_MINDS.rules)
    with simulated(Behaviour(rules=rules)) as address:
        loaded = make_app(address, scorers=SCORERS, repeats=5)
        loaded = gated(loaded, Gate(rules=(Demand(metric="solved", better_than_champion_by=0.2),)))
        champion = make_candidate(loaded, ("system", "champion"), ("user", "{{question}}"), parameters=WARM)
        candidate = make_candidate(loaded, parameters=WARM)
        decided = await evaluate_and_decide(workspace(loaded), candidate, champion, data(30), Asking())
    assert decided.verdict.decision == "PASS"
    assert decided.verdict.rules[0].estimate.n == 30


def test_a_batch_holds_all_answers_to_its_rows(data):
    drawn = list(batches(data(50).rows))
    assert sum(len(batch) for batch in drawn) == 250
    for batch in drawn:
        assert all(
            sum(each.cluster in (row.id, row.cluster) for each in batch if each.repeat) == 4
            for row in batch
            if not row.repeat
        )


async def test_at_temperature_zero_one_line_says_that_answers_may_be_the_same(
    workspace, data, make_app, make_candidate
):
    said = []

    class Listening:
        def bar(self, label, total):
            return self

        def advance(self, note=""): ...

        def close(self): ...

        def say(self, line):
            said.append(line)

    with simulated(TWO_MINDS) as address, shown_on(Listening()):
        loaded = make_app(address, repeats=5)
        cold = make_candidate(loaded, parameters=Parameters(temperature=0.0))
        await evaluate_candidate(workspace(loaded), cold, data(2))
        assert "the 5 answers to a row may all be the same" in said[0]
        await evaluate_candidate(workspace(loaded), make_candidate(loaded, parameters=WARM), data(2))
    assert sum("may all be the same" in line for line in said) == 1


async def test_what_a_judge_says_of_the_same_answers_is_asked_once_though_parts_are_judged_together(
    workspace, data, make_app, make_candidate
):
    judging = Rule(contains="score", answer='{"reason": "as it is", "score": 4}', where="prompt")
    with simulated(Behaviour(rules=(judging,), latency_s=0.02)) as address:
        loaded = make_app(address, scorers=[*SCORERS[:1], {"name": "relevance", "model": "chat"}], repeats=5)
        evaluation = await evaluate_candidate(workspace(loaded), make_candidate(loaded, parameters=WARM), data(60))
        assert calls(address)[CHAT] == 5 * 60 + 60, "every answer to a row is the same"
    assert evaluation.estimate("relevance").n == 300
