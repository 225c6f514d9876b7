import pytest

from configs.errors import ConfigurationError
from configs.loading import load_app
from configs.schema.gate import Gate, Rule
from tasks.calling.answer import Outcome
from tasks.gating.check import check_gates
from tasks.gating.decide import decide
from tasks.gating.verdict import Decision
from tasks.scoring.catalogue import SCORERS
from tasks.scoring.usage import USAGE_METRICS

METRICS = {name: scorer.metric for name, scorer in SCORERS.items()} | USAGE_METRICS


def gate(*rules, **settings):
    return Gate(rules=tuple(Rule(**rule) for rule in rules), **{"stop_early": False} | settings)


def decided(rule, candidate, champion=None, **settings):
    verdict = decide("sample", gate(rule, **settings), candidate, champion, METRICS)
    assert verdict.decision is verdict.rules[0].decision
    return verdict.decision, verdict.rules[0].reason


def share(hits, n):
    return [1.0] * hits + [0.0] * (n - hits)


@pytest.mark.parametrize(
    ("rule", "decision"),
    [
        ({"at_least": 0.3}, "PASS"),
        ({"at_least": 0.7}, "FAIL"),
        ({"at_least": 0.5}, "INCONCLUSIVE"),
        ({"at_most": 0.7}, "PASS"),
        ({"at_most": 0.3}, "FAIL"),
        ({"at_most": 0.5}, "INCONCLUSIVE"),
    ],
)
def test_a_bound_is_decided_by_the_whole_interval(evaluate, rule, decision):
    assert decided({"metric": "exact"} | rule, evaluate({"exact": share(50, 100)}))[0] == decision


def test_the_reason_shows_estimate_interval_rows_and_bound(evaluate):
    _, reason = decided({"metric": "exact", "at_least": 0.7}, evaluate({"exact": share(15, 30)}))
    assert reason == "exact 0.5 [0.356, 0.644] n=30: the whole interval is below 0.7"


def test_a_mean_above_the_bound_is_no_pass_while_the_interval_reaches_below(evaluate):
    decision, reason = decided({"metric": "exact", "at_least": 0.8}, evaluate({"exact": share(9, 10)}))
    assert decision is Decision.INCONCLUSIVE
    assert "0.8 lies inside the interval" in reason


def test_three_perfect_rows_prove_nothing(evaluate):
    assert decided({"metric": "exact", "at_least": 0.9}, evaluate({"exact": [1, 1, 1]}))[0] is Decision.INCONCLUSIVE


def test_too_little_coverage_decides_nothing_however_good_the_rest(evaluate):
    values = [*share(80, 80), *[Outcome.SCORER_ERROR] * 20]
    decision, reason = decided({"metric": "exact", "at_least": 0.5}, evaluate({"exact": values}))
    assert decision is Decision.INCONCLUSIVE
    assert "coverage 0.80 < 0.95" in reason
    assert decided({"metric": "exact", "at_least": 0.5}, evaluate({"exact": values}), min_coverage=0.8)[0] == "PASS"


@pytest.mark.parametrize("bound", [{"at_least": 0}, {"at_most": 1}])
@pytest.mark.parametrize("value", [None, Outcome.APP_ERROR, Outcome.SKIPPED])
def test_missing_data_never_counts_as_good(evaluate, bound, value):
    candidate = evaluate({"exact": [value] * 3})
    decision, reason = decided({"metric": "exact"} | bound, candidate, min_coverage=0)
    assert decision is Decision.INCONCLUSIVE
    assert "no row scored" in reason


def test_a_model_without_a_price_does_not_slip_past_a_price_rule(evaluate):
    free, unknown = evaluate({"exact": [1, 1]}), evaluate({"exact": [1, 1]})
    unknown.rows["price"] = float("nan")
    assert decided({"metric": "price", "at_most": 0.01}, free)[0] is Decision.PASS
    assert decided({"metric": "price", "at_most": 0.01}, unknown)[0] is Decision.INCONCLUSIVE


BETTER, NOT_WORSE = "better_than_champion_by", "not_worse_than_champion_by"


@pytest.mark.parametrize(
    ("candidate", "champion", "rule", "decision"),
    [
        (90, 30, {BETTER: 0.1}, "PASS"),
        (90, 30, {BETTER: 0.9}, "FAIL"),
        (50, 48, {BETTER: 0}, "INCONCLUSIVE"),
        (50, 48, {NOT_WORSE: 0.1}, "PASS"),
        (50, 51, {NOT_WORSE: 0}, "INCONCLUSIVE"),
        (30, 90, {NOT_WORSE: 0.1}, "FAIL"),
    ],
)
def test_a_champion_is_compared_row_by_row(evaluate, candidate, champion, rule, decision):
    one, two = evaluate({"exact": share(candidate, 100)}), evaluate({"exact": share(champion, 100)}, "two")
    assert decided({"metric": "exact"} | rule, one, two)[0] == decision


@pytest.mark.parametrize(
    ("candidate", "champion", "rule", "decision"),
    [
        (5, 60, {BETTER: 0.1}, "PASS"),
        (60, 5, {BETTER: 0}, "FAIL"),
        (60, 5, {NOT_WORSE: 0.1}, "FAIL"),
        (5, 60, {NOT_WORSE: 0}, "PASS"),
    ],
)
def test_better_is_lower_where_the_metric_says_so(evaluate, candidate, champion, rule, decision):
    one, two = (
        evaluate({"over_refusal": share(candidate, 100)}),
        evaluate({"over_refusal": share(champion, 100)}, "two"),
    )
    found, reason = decided({"metric": "over_refusal"} | rule, one, two)
    assert found == decision
    assert "lower is better" in reason


def test_the_champion_itself_is_not_worse_and_not_better(evaluate):
    one = evaluate({"exact": [1, 0, 1]})
    assert decided({"metric": "exact", NOT_WORSE: 0}, one, one)[0] is Decision.PASS
    assert decided({"metric": "exact", BETTER: 0}, one, one)[0] is Decision.FAIL
    assert decided({"metric": "exact", BETTER: 0.1}, one, one)[0] is Decision.FAIL


def test_without_a_champion_or_on_other_data_nothing_can_be_compared(evaluate):
    one, elsewhere = evaluate({"exact": share(9, 10)}), evaluate({"exact": share(1, 10)}, "two", dataset="other")
    rule = {"metric": "exact", BETTER: 0}
    decision, reason = decided(rule, one)
    assert decision is Decision.INCONCLUSIVE
    assert "there is no champion" in reason
    decision, reason = decided(rule, one, elsewhere)
    assert decision is Decision.INCONCLUSIVE
    assert "on other data" in reason


def test_rules_come_harm_first_and_the_worst_decides(evaluate):
    found = evaluate(
        {"exact": share(50, 100), "over_refusal": share(0, 100), "citation": share(90, 100)}, seconds=[1] * 100
    )
    rules = [
        {"metric": "latency_total", "at_most": 5},
        {"metric": "price", "at_most": 1},
        {"metric": "exact", "at_least": 0.5},
        {"metric": "citation", "at_least": 0.5},
        {"metric": "over_refusal", "at_most": 0.1},
    ]
    verdict = decide("release", gate(*rules), found, None, METRICS)
    assert [rule.metric for rule in verdict.rules] == ["over_refusal", "citation", "exact", "price", "latency_total"]
    assert verdict.decision is Decision.INCONCLUSIVE
    assert verdict.short.startswith("INCONCLUSIVE: exact 0.5 [")
    failing = decide("release", gate(*rules, {"metric": "exact", "at_least": 0.9}), found, None, METRICS)
    assert failing.decision is Decision.FAIL
    passing = decide("release", gate(*rules[:2], *rules[3:]), found, None, METRICS)
    assert passing.short == "PASS"


def test_a_rule_may_be_about_one_slice(evaluate):
    found = evaluate({"exact": share(40, 80)}, kinds=["easy"] * 40 + ["hard"] * 40)
    assert decided({"metric": "exact", "at_least": 0.5, "slice": "kind=easy"}, found)[0] is Decision.PASS
    decision, reason = decided({"metric": "exact", "at_least": 0.5, "slice": "kind=hard"}, found)
    assert decision is Decision.FAIL
    assert reason.startswith("exact where kind=hard 0 [")
    assert decided({"metric": "exact", "at_least": 0, "slice": "kind=none"}, found)[0] is Decision.INCONCLUSIVE


def test_a_verdict_names_what_it_stands_on(evaluate):
    one, two = evaluate({"exact": [1]}), evaluate({"exact": [1]}, "two")
    verdict = decide("sample", gate({"metric": "exact", NOT_WORSE: 0.1}), one, two, METRICS)
    assert verdict.evaluations == (one.id, two.id)
    assert (verdict.candidate, verdict.champion) == (one.candidate.digest, two.candidate.digest)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("{metric: f1, at_least: 0.5}", "unknown metric 'f1'; known are abstention"),
        ("{metric: exact, at_least: 0.5, slice: colour=red}", "unknown slice column 'colour'; known are kind"),
    ],
)
def test_a_rule_that_can_never_be_decided_is_a_configuration_error(rule, said):
    loaded = load_app("outfitter", (f"gates.release.rules.0={rule}",))
    with pytest.raises(ConfigurationError) as error:
        check_gates(loaded.app, METRICS)
    assert "gates.release.rules.0" in str(error.value)
    assert said in str(error.value)


def test_the_sample_apps_own_gates_can_be_decided():
    check_gates(load_app("outfitter").app, METRICS)
