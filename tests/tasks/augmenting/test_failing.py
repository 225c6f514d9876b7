"""Rows that fall short of rules that do not hold."""

from configs.schema.gate import Gate, Rule
from tasks.augmenting.failing import Failed, broken_rules, failed_rows
from tasks.gating.decide import decide
from tasks.scoring.catalogue import SCORERS
from tasks.scoring.usage import USAGE_METRICS

METRICS = {name: SCORERS[name].metric for name in ("exact", "token_f1", "profanity")} | USAGE_METRICS


def fallen_short(rule, one, other=None):
    return list(failed_rows((Rule(**rule),), one, other, METRICS))


def test_a_row_of_a_rate_fails_where_it_is_not_the_better_of_the_two(evaluate):
    one = evaluate({"exact": [1, 0, None], "profanity": [0, 1, 0]})
    assert fallen_short({"metric": "exact", "at_least": 0.9}, one) == [Failed("r1", "exact", 1.0)]
    assert fallen_short({"metric": "profanity", "at_most": 0.1}, one) == [Failed("r1", "profanity", 0.0)]


def test_a_row_of_a_graded_metric_fails_below_the_rules_own_bound(evaluate):
    one = evaluate({"token_f1": [0.5, 0.4, 0.6]})
    assert fallen_short({"metric": "token_f1", "at_least": 0.5}, one) == [Failed("r1", "token_f1", 0.5)]


def test_a_row_fails_against_the_champion_where_the_champions_own_is_better(evaluate):
    one, other = evaluate({"exact": [1, 0, 0]}), evaluate({"exact": [0, 1, 0]}, "two")
    rule = {"metric": "exact", "not_worse_than_champion_by": 0.1}
    assert fallen_short(rule, one, other) == [Failed("r1", "exact", 1.0)]
    assert fallen_short(rule, one, None) == []


def test_only_rows_of_the_rules_slice_count(evaluate):
    one = evaluate({"exact": [0, 0, 1]}, kinds=["easy", "hard", "hard"])
    rule = {"metric": "exact", "at_least": 0.9, "slice": "kind=hard"}
    assert fallen_short(rule, one) == [Failed("r1", "exact", 1.0)]


def test_what_answers_cost_is_no_fault_of_a_row(evaluate):
    assert fallen_short({"metric": "latency_total", "at_most": 0.1}, evaluate({"exact": [1]})) == []


def test_broken_rules_come_before_those_that_could_not_be_shown_to_hold(evaluate):
    one = evaluate({"exact": [0] * 40, "profanity": [0, 1] * 20})
    broken, unsure = Rule(metric="exact", at_least=0.5), Rule(metric="profanity", at_most=0.5)
    gate = Gate(rules=(unsure, broken))
    verdict = decide("sample", gate, one, None, METRICS)
    assert [str(each.decision) for each in verdict.rules] == ["INCONCLUSIVE", "FAIL"]
    assert broken_rules(verdict, gate) == (broken,)
    gate = Gate(rules=(unsure,))
    assert broken_rules(decide("sample", gate, one, None, METRICS), gate) == (unsure,)
