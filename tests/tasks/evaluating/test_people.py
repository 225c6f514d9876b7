"""People's labels of an evaluation's own answers correct its judge, whenever they were given."""

from dataclasses import replace

import numpy as np
import pytest

from configs.schema.app import Gates
from configs.schema.gate import Gate, Rule
from configs.schema.scorer import ScorerConfig
from infra.simulator.behaviour import Behaviour
from infra.simulator.behaviour import Rule as Answering
from infra.simulator.running import calls, simulated
from tasks.evaluating.asking import Asking
from tasks.evaluating.by_people import mean_by_people
from tasks.evaluating.deciding import evaluate_and_decide
from tasks.evaluating.evaluate import evaluate_candidate
from tasks.judging.calibration import Calibration, save_calibration
from tasks.judging.judge import judges_of
from tasks.judging.labels import Label, answer_digest
from tasks.statistics.agreement import agreement
from tasks.statistics.rerun_noise import rerun_noise

CHAT = "/v1/chat/completions"
# The judge reads the last digit of the question's number, and is a point too kind.
JUDGE = tuple(
    Answering(contains=f"{digit}\n", answer=f'{{"reason": "Because.", "score": {digit % 3 + 2 + 1}}}')
    for digit in range(10)
)


@pytest.fixture
def judged(make_app):
    """An app with a judge of relevance."""

    def make(address, *rules):
        loaded = make_app(address)
        scorers = (*loaded.app.scorers, ScorerConfig(name="relevance", model="chat"))
        gate = Gate(rules=rules or loaded.app.gates.sample.rules, stop_early=False)
        return replace(
            loaded,
            app=loaded.app.model_copy(update={"scorers": scorers, "gates": Gates(sample=gate, release=gate)}),
        )

    return make


def fit(judge):
    """A calibration that the judge came through."""
    scores = np.arange(20) % 5 + 1
    return Calibration(
        metric=judge.name,
        version=judge.version,
        model=judge.model,
        endpoint=judge.endpoint,
        epoch="first",
        labels=20,
        coverage=1.0,
        agreement=agreement(scores, scores, np.arange(20), (1, 5)),
        noise=rerun_noise(np.array([[3.0, 3.0]] * 20)),
    )


def labels_of(evaluation, count):
    """What people say of its first answers: a point less than the judge."""
    scores = evaluation.scores["relevance"] - 1
    return tuple(
        Label(row["row_id"], "relevance", int(score), answer_digest(row["answer"]))
        for row, score in zip(evaluation.whole_rows(first=count), scores, strict=False)
    )


async def test_labels_correct_an_evaluation_that_is_stored_without_a_call(workspace, dataset, judged, make_candidate):
    with simulated(Behaviour(rules=JUDGE)) as address:
        loaded = judged(address)
        candidate, data = make_candidate(loaded), dataset(80)
        alone = await evaluate_candidate(workspace(loaded), candidate, data)
        asked = calls(address)[CHAT]
        labels = labels_of(alone, 30)
        again = await evaluate_candidate(workspace(loaded), candidate, data, Asking(labels=labels))
        assert calls(address)[CHAT] == asked
        stored = workspace(loaded).store.load(again.id)
    before, corrected = alone.estimate("relevance"), again.estimate("relevance")
    assert (before.method, before.judge_alone) == ("t", None)
    assert corrected.method == "prediction-powered, 30 labels"
    assert corrected.judge_alone == before.value
    assert corrected.low < before.value - 1 < corrected.high < before.value
    assert stored.estimate("relevance") == before, "people may say more; what is stored is the judge's alone"
    assert again.estimate("exact") == alone.estimate("exact")


async def test_labels_that_are_there_before_correct_a_new_evaluation(workspace, dataset, judged, make_candidate):
    with simulated(Behaviour(rules=JUDGE)) as address:
        loaded = judged(address)
        candidate, data = make_candidate(loaded), dataset(40)
        labels = labels_of(await evaluate_candidate(workspace(loaded), candidate, data), 25)
        # Another dataset of the same rows is another evaluation; the journal knows its answers.
        new = await evaluate_candidate(workspace(loaded), candidate, replace(data, digest="new"), Asking(labels=labels))
    assert new.estimate("relevance").method == "prediction-powered, 25 labels"


async def test_labels_of_another_candidates_answers_change_nothing(workspace, dataset, judged, make_candidate):
    with simulated(Behaviour(rules=JUDGE)) as address:
        loaded = judged(address)
        candidate, data = make_candidate(loaded), dataset(40)
        alone = await evaluate_candidate(workspace(loaded), candidate, data)
        others = tuple(label._replace(answer=answer_digest("another's")) for label in labels_of(alone, 30))
        again = await evaluate_candidate(workspace(loaded), candidate, data, Asking(labels=others))
    assert again.estimates == alone.estimates


async def test_the_mean_over_all_stored_answers_says_what_the_judge_is_worth(
    workspace, dataset, judged, make_candidate
):
    with simulated(Behaviour(rules=JUDGE)) as address:
        loaded = judged(address)
        opened, data = workspace(loaded), dataset(80)
        opened.__dict__["datasets"] = {"sample": data}
        one = await evaluate_candidate(opened, make_candidate(loaded), data)
        await evaluate_candidate(opened, make_candidate(loaded, ("user", "{{question}}")), data)
        (relevance,) = judges_of(loaded)
        found = mean_by_people(opened, relevance, labels_of(one, 40))
        assert mean_by_people(opened, relevance, labels_of(one, 10)) is None
    assert found.estimate.n == 160
    assert found.estimate.judge_alone - 1 == pytest.approx(found.estimate.value, abs=0.3)
    assert found.gain > 1.2


async def test_the_gate_decides_on_what_people_would_say(workspace, dataset, judged, make_candidate):
    with simulated(Behaviour(rules=JUDGE)) as address:
        loaded = judged(address, Rule(metric="relevance", at_least=3.5))
        opened, candidate, data = workspace(loaded), make_candidate(loaded), dataset(120)
        save_calibration(opened.store, fit(*judges_of(loaded)))
        alone = await evaluate_and_decide(opened, candidate, None, data, Asking())
        labels = labels_of(alone.evaluation, 60)
        done = await evaluate_and_decide(opened, candidate, None, data, Asking(labels=labels))
    assert (alone.verdict.decision, done.verdict.decision) == ("PASS", "FAIL")
    assert "prediction-powered, 60 labels, bets; the judge alone" in done.verdict.rules[0].reason
