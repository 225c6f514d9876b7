"""Which verdict lets a candidate out: real gates decide, then the app's gates or data are changed."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from configs.schema.gate import Gate, Gates, Rule
from tasks.decided import decided
from tasks.gating.decide import decide
from tasks.gating.terms import terms_of
from tasks.results.store import Store
from tasks.scoring.overlap import contains, exact
from tasks.scoring.score import Metric

METRICS = {"exact": Metric("exact", "quality", "higher", "1", "")}
STRICT = Gate(rules=(Rule(metric="exact", at_least=0.9),))
LOOSE = Gate(rules=(Rule(metric="exact", at_least=0.0),))


@pytest.fixture
def app(tmp_path):
    """An app of one dataset, `data`, whose gates are strict."""
    gates = Gates(sample=STRICT, release=STRICT)
    return SimpleNamespace(
        store=Store(tmp_path),
        loaded=SimpleNamespace(app=SimpleNamespace(gates=gates)),
        scorers=(exact,),
        asked_datasets={"sample": SimpleNamespace(digest="data")},
    )


@pytest.fixture
def judge(app, save):
    """Decides a gate on an evaluation, and keeps both."""

    def run(gate, evaluation, champion=None):
        save(app.store, evaluation)
        verdict = decide("sample", gate, evaluation, champion, METRICS, terms=terms_of(gate, app.scorers))
        app.store.save_verdict(verdict)
        return verdict

    return run


def test_the_newest_decision_by_the_configured_rules_counts(app, judge, evaluate):
    candidate = evaluate({"exact": [0.0] * 20})
    verdict = judge(STRICT, candidate)
    assert decided(app, "sample", candidate.candidate.digest, None) == verdict


def test_a_pass_by_rules_that_were_loosened_for_one_run_does_not(app, judge, evaluate):
    candidate = evaluate({"exact": [0.0] * 20})
    refused = judge(STRICT, candidate)
    passed = judge(LOOSE, candidate)
    assert passed.decision == "PASS"
    assert decided(app, "sample", candidate.candidate.digest, None) == refused


def test_nor_does_one_on_data_that_the_app_no_longer_has(app, judge, evaluate):
    candidate = evaluate({"exact": [1.0] * 20}, dataset="before")
    judge(STRICT, candidate)
    assert decided(app, "sample", candidate.candidate.digest, None) is None


def test_a_decision_beside_another_champion_does_not_count_but_one_beside_none_does(app, judge, evaluate):
    candidate = evaluate({"exact": [1.0] * 20})
    other = evaluate({"exact": [1.0] * 20}, model="other")
    alone = judge(STRICT, candidate)
    judge(STRICT, candidate, other)
    assert decided(app, "sample", candidate.candidate.digest, "champion") == alone


def test_nor_does_one_by_a_scorer_that_was_another_then(app, judge, evaluate):
    """A scorer that is loosened for one run, or mended since, has not said what it says now."""
    candidate = evaluate({"exact": [1.0] * 20})
    lenient = replace(contains, metric=exact.metric, source="=contains", settings={"column": "fact"})
    app.scorers = (lenient,)
    judge(STRICT, candidate)
    app.scorers = (exact,)
    assert decided(app, "sample", candidate.candidate.digest, None) is None


def test_a_scorer_that_no_rule_is_about_may_be_added(app, judge, evaluate):
    candidate = evaluate({"exact": [1.0] * 20})
    verdict = judge(STRICT, candidate)
    app.scorers = (exact, contains)
    assert decided(app, "sample", candidate.candidate.digest, None) == verdict
