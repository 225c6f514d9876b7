"""A bound on a judge's metric is decided on what people would say, where enough of them have said it."""

import numpy as np
import pytest

from configs.schema.gate import Gate, Rule
from tasks.gating.claim import bounded
from tasks.gating.corrected import CorrectedTest, corrected
from tasks.gating.decide import decide
from tasks.scoring.score import Metric
from tasks.statistics.corrected import people_column
from tasks.statistics.measured import Measured, measured

METRICS = {"relevance": Metric("relevance", "quality", "higher", "1", "How relevant.", 1.0, 5.0)}
TRUE = np.arange(200) * 7 % 3 + 2.0  # 2, 3, 4


@pytest.fixture
def decided(evaluate):
    """Decides a rule on a judge that is a point too kind, of which people have labelled so many answers."""

    def run(labels, stop_early=False, **rule):
        candidate = evaluate({"relevance": list(TRUE + 1)})
        candidate.scores[people_column("relevance")] = np.where(np.arange(200) < labels, TRUE, np.nan)
        gate = Gate(rules=(Rule(metric="relevance", **rule),), stop_early=stop_early)
        verdict = decide("sample", gate, candidate, None, METRICS)
        return verdict.decision, verdict.rules[0]

    return run


def test_a_judge_that_is_too_kind_passes_alone_and_fails_beside_people(decided):
    assert decided(0, at_least=3.5)[0] == "PASS"
    decision, rule = decided(60, at_least=3.5)
    assert decision == "FAIL"
    assert rule.estimate.method == "prediction-powered, 60 labels, bets"
    assert "(prediction-powered, 60 labels, bets; the judge alone 4): the whole interval is below 3.5" in rule.reason


def test_it_passes_what_people_would_pass(decided):
    assert decided(60, at_least=2.7)[0] == "PASS"
    assert decided(60, at_most=3.3)[0] == "PASS"
    assert decided(60, at_least=3.0)[0] == "INCONCLUSIVE"


def test_too_few_labels_leave_the_judge_alone(decided):
    decision, rule = decided(19, at_least=3.5)
    assert (decision, rule.estimate.method, rule.estimate.judge_alone) == ("PASS", "betting", None)


def test_a_gate_that_stops_early_bets_on_the_judge_and_stops_where_people_contradict_it(decided):
    assert decided(60, stop_early=True, at_least=2.5)[0] == "PASS"
    decision, rule = decided(60, stop_early=True, at_least=3.5)
    assert decision == "INCONCLUSIVE"
    assert "the judge alone says 4, people's labels say 3" in rule.reason
    assert "on the other side of 3.5; set `stop_early: false` to decide on them" in rule.reason
    assert not rule.may_pass
    assert not rule.may_fail


@pytest.mark.parametrize("bound", [2.5, 3.0, 3.5])
@pytest.mark.parametrize("above", [True, False])
def test_a_claim_never_both_holds_and_is_broken(evaluate, bound, above):
    candidate = evaluate({"relevance": list(TRUE + 1)})
    rows = measured(candidate.rows, candidate.scores, METRICS["relevance"])
    claim = bounded(rows, bound, above=above)._replace(people=np.where(np.arange(200) < 60, TRUE, np.nan))
    test = CorrectedTest(claim)
    assert not (test.holds(0.05) and test.broken(0.05))
    assert (test.may_hold, test.may_break, test.rows_needed(0.05)) == (False, False, None)


def test_a_false_claim_passes_no_more_often_than_the_level(evaluate):
    candidate = evaluate({"relevance": list(TRUE)})
    rows = measured(candidate.rows, candidate.scores, METRICS["relevance"])
    rng, passed = np.random.default_rng(4), 0
    for _ in range(1000):
        human = np.clip(np.round(rng.normal(3, 1.1, 200)), 1, 5)  # people's mean is 3 by symmetry
        judged = np.clip(np.round(human + 0.7 + rng.normal(0, 0.6, 200)), 1, 5)
        people = np.where(np.arange(200) < 30, human, np.nan)
        passed += CorrectedTest(bounded(rows._replace(values=judged), 3.0, above=True)._replace(people=people)).holds(
            0.05
        )
    assert passed / 1000 < 0.065


@pytest.mark.parametrize(("ones", "labels", "above"), [(0.05, 100, True), (0.1, 50, True), (0.1, 50, False)])
def test_where_few_labels_are_unlike_the_others_bets_hold_the_level_that_students_interval_does_not(
    ones, labels, above
):
    rng, students, passed = np.random.default_rng(5), 0, 0
    for _ in range(400):
        human = np.where(rng.random(400) < ones, 1.0, 5.0)
        judged = np.clip(np.round(human + rng.normal(0, 0.8, 400)), 1, 5)
        human, judged = (human, judged) if above else (6 - human, 6 - judged)
        rows = Measured(judged, np.ones(400, dtype=bool), np.arange(400, dtype=np.uint64), 1.0, 5.0)
        true = 5 - 4 * ones if above else 1 + 4 * ones
        people = np.where(np.arange(400) < labels, human, np.nan)
        claim = bounded(rows, true, above=above)._replace(people=people)
        found = corrected(claim, 0.05)
        students += claim.holds_for(found.low if above else found.high)
        passed += CorrectedTest(claim).holds(0.05)
    assert students / 400 > 0.08
    assert passed / 400 <= 0.05


def test_what_is_shown_holds_what_is_decided(decided):
    for bound in np.linspace(2.4, 3.6, 13):
        decision, rule = decided(40, at_least=float(bound))
        low, high = rule.estimate.low, rule.estimate.high
        assert decision == ("PASS" if low >= bound else "FAIL" if high < bound else "INCONCLUSIVE")
        assert low <= rule.estimate.value <= high


def test_clusters_whose_size_tells_of_their_rows_hold_the_level():
    rng, passed = np.random.default_rng(6), 0
    for _ in range(200):
        sizes = rng.choice([1, 7], 120)
        clusters = np.repeat(np.arange(120), sizes)
        ones = np.repeat(rng.random(120) < np.where(sizes == 7, 0.05, 0.4), sizes)  # all rows of one agree
        human = np.where(ones, 1.0, 5.0)
        judged = np.clip(np.round(human + rng.normal(0, 0.8, human.size)), 1, 5)
        people = np.where(np.isin(np.arange(human.size), rng.permutation(human.size)[:60]), human, np.nan)
        rows = Measured(judged, np.ones(human.size, dtype=bool), clusters.astype(np.uint64), 1.0, 5.0)
        true = 5 - 4 * (7 * 0.05 + 0.4) / 8
        passed += CorrectedTest(bounded(rows, true, above=True)._replace(people=people)).holds(0.05)
    assert passed / 200 <= 0.05
