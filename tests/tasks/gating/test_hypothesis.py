import pytest

from configs.schema.app import Hypothesis
from tasks.calling.answer import Outcome
from tasks.gating.hypothesis import Judgement, judge_hypothesis
from tasks.scoring.catalogue import SCORERS

METRICS = {name: scorer.metric for name, scorer in SCORERS.items()}


def judged(treatment, control, metric="exact", expected=0.1):
    hypothesis = Hypothesis(
        statement="Rules make it better.",
        metric=metric,
        treatment="rules",
        control="bare",
        expected_difference=expected,
    )
    return judge_hypothesis(hypothesis, treatment, control, METRICS)


@pytest.mark.parametrize(
    ("hits", "judgement"), [(90, Judgement.SUPPORTED), (45, Judgement.UNDECIDED), (10, Judgement.REFUTED)]
)
def test_the_whole_interval_judges(evaluate, hits, judgement):
    control = evaluate({"exact": [1] * 30 + [0] * 70}, "two")
    verdict = judged(evaluate({"exact": [1] * hits + [0] * (100 - hits)}), control)
    assert verdict.decision is judgement
    assert verdict.estimate.n == 100
    assert "rules less bare" in verdict.reason


def test_improvement_is_in_the_metrics_own_direction(evaluate):
    fewer, more = evaluate({"over_refusal": [0] * 50}), evaluate({"over_refusal": [1] * 50}, "two")
    assert judged(fewer, more, "over_refusal").decision is Judgement.SUPPORTED
    assert judged(more, fewer, "over_refusal").decision is Judgement.REFUTED


def test_without_rows_nothing_is_decided(evaluate):
    failed = evaluate({"exact": [Outcome.APP_ERROR] * 3})
    assert judged(failed, evaluate({"exact": [1, 1, 1]}, "two")).decision is Judgement.UNDECIDED
