import numpy as np
import pytest

from configs.errors import ConfigurationError
from configs.loading import load_app
from configs.schema.gate import Gate, Rule
from tasks.calling.answer import Outcome
from tasks.data.reading import read_dataset
from tasks.gating.check import check_gates, check_slices
from tasks.gating.decide import decide
from tasks.gating.instrument import Instrument
from tasks.gating.verdict import Decision
from tasks.scoring.catalogue import SCORERS
from tasks.scoring.score import Metric
from tasks.scoring.usage import USAGE_METRICS
from tasks.statistics.anytime import Design
from tasks.statistics.drawing import draw_order

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
    assert reason == "exact 0.5 [0.339, 0.661] n=30: the whole interval is below 0.7"


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


def shuffled(hits, n, seed=1):
    return np.random.default_rng(seed).permutation(share(hits, n)).tolist()


EARLY = {"stop_early": True}


@pytest.mark.parametrize(
    ("hits", "rule", "decision"),
    [
        (95, {"at_least": 0.7}, "PASS"),
        (30, {"at_least": 0.7}, "FAIL"),
        (72, {"at_least": 0.7}, "INCONCLUSIVE"),
        (0, {"at_most": 0.05}, "PASS"),
        (30, {"at_most": 0.05}, "FAIL"),
    ],
)
def test_a_gate_that_stops_early_decides_by_bets(evaluate, hits, rule, decision):
    found, reason = decided({"metric": "exact"} | rule, evaluate({"exact": shuffled(hits, 100)}), **EARLY)
    assert found == decision, reason


def test_it_is_settled_as_soon_as_it_is_decided_and_not_before(evaluate):
    values = shuffled(95, 100)
    verdicts = [
        decide("sample", gate({"metric": "exact", "at_least": 0.7}, **EARLY), part, None, METRICS, Design(100, 100, 1))
        for part in (evaluate({"exact": values[:n]}) for n in (5, 60))
    ]
    assert [(each.decision, each.settled) for each in verdicts] == [("INCONCLUSIVE", False), ("PASS", True)]
    assert (verdicts[1].rows_used, verdicts[1].rows_available) == (60, 100)


def test_what_the_rows_that_are_left_can_not_decide_is_given_up(evaluate):
    part = evaluate({"exact": shuffled(76, 100)})
    rule = gate({"metric": "exact", "at_least": 0.75}, **EARLY)
    more, no_more = (decide("sample", rule, part, None, METRICS, Design(rows, rows, 1)) for rows in (100_000, 110))
    assert not more.settled
    assert no_more.settled
    assert no_more.decision is Decision.INCONCLUSIVE
    assert "rows would settle it" in no_more.short


def test_one_broken_rule_settles_the_gate_whatever_the_others(evaluate):
    part = evaluate({"exact": shuffled(3, 40), "citation": shuffled(30, 40)})
    rules = ({"metric": "exact", "at_least": 0.7}, {"metric": "citation", "at_least": 0.75})
    verdict = decide("sample", gate(*rules, **EARLY), part, None, METRICS, Design(400, 400, 1))
    assert verdict.decision is Decision.FAIL
    assert verdict.settled


def test_among_many_rules_a_fail_takes_more_evidence_and_a_pass_does_not(evaluate):
    """That some rule is broken is an "or"; that all hold is an "and"."""
    found = evaluate({"exact": share(36, 100), "citation": share(62, 100)})
    low, high = {"metric": "exact", "at_least": 0.47}, {"metric": "citation", "at_least": 0.53}
    fillers = [{"metric": "latency_total", "at_most": 1000 + number} for number in range(20)]
    alone = decide("sample", gate(low, high), found, None, METRICS)
    among = decide("sample", gate(low, high, *fillers), found, None, METRICS)
    assert [alone.rules[1].decision, alone.rules[0].decision] == ["FAIL", "PASS"]
    assert [among.rules[1].decision, among.rules[0].decision] == ["INCONCLUSIVE", "PASS"]
    assert "not certainly so for one of 22 rules" in among.rules[1].reason


def test_a_set_that_is_used_up_is_known(evaluate):
    found = evaluate({"exact": share(15, 20)})
    whole = {"target": "this_set"}
    assert decided({"metric": "exact", "at_least": 0.75}, found, **whole)[0] is Decision.PASS
    decision, reason = decided({"metric": "exact", "at_least": 0.8}, found, **whole)
    assert decision is Decision.FAIL
    assert reason == "exact 0.75 [0.75, 0.75] n=20: the whole interval is below 0.8"
    assert decided({"metric": "exact", "at_least": 0.8}, found)[0] is Decision.INCONCLUSIVE, "of all users"


def test_a_quantile_is_a_rule_on_the_share_of_rows(evaluate):
    found = evaluate({"exact": [1.0] * 100}, seconds=[1.0] * 99 + [60.0])
    rule = {"metric": "latency_total", "quantile": 0.9, "at_most": 2}
    decision, reason = decided(rule, found)
    assert decision is Decision.PASS
    assert reason.startswith("latency_total, share of rows at most 2, 0.99 [")
    assert decided(rule, found, **EARLY)[0] is Decision.PASS


PER_CORRECT = Metric("price_per_correct", "cost", "lower", "1", "Price.", high=None, ratio=("price", "exact"))


@pytest.mark.parametrize("settings", [{}, {"stop_early": True}])
@pytest.mark.parametrize(("bound", "decision"), [(0.05, "PASS"), (0.02, "INCONCLUSIVE"), (0.012, "FAIL")])
def test_the_price_of_a_correct_answer_is_a_rule_on_a_ratio(evaluate, settings, bound, decision):
    found = evaluate({"exact": shuffled(200, 400)})
    found.rows["price"] = np.random.default_rng(2).lognormal(np.log(0.01), 0.2, 400) / np.exp(0.02)
    rule = {"metric": "price_per_correct", "at_most": bound}
    verdict = decide("sample", gate(rule, **settings), found, None, METRICS | {"price_per_correct": PER_CORRECT})
    estimate = verdict.rules[0].estimate
    assert verdict.decision == decision
    assert estimate.low < 0.02 < estimate.high
    assert estimate.value == pytest.approx(0.02, rel=0.05)
    assert (verdict.rules[0].bound, verdict.rules[0].above) == (bound, False)


def test_one_cluster_says_nothing_of_others(evaluate):
    found = evaluate({"exact": [1.0] * 200}, clusters=["one"] * 200)
    for settings in ({}, EARLY):
        assert decided({"metric": "exact", "at_least": 0.5}, found, **settings)[0] is Decision.INCONCLUSIVE


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("{metric: exact, at_least: 1}", "no number of rows shows that of every user; allow a little, such as 0.99"),
        ("{metric: pii_leak, at_most: 0}", "such as 0.01, or set the gate's `target: this_set`"),
        ("{metric: exact, at_least: 50}", "found 50; exact goes from 0 to 1"),
        ("{metric: latency_total, at_most: -1}", "found -1; latency_total goes from 0 to no upper end"),
    ],
)
def test_a_bound_that_no_rows_can_show_is_a_configuration_error(rule, said):
    loaded = load_app("outfitter", (f"gates.release.rules.0={rule}",))
    with pytest.raises(ConfigurationError) as error:
        check_gates(loaded.app, METRICS)
    assert said in str(error.value)


def test_a_set_may_be_asked_to_be_without_fault():
    loaded = load_app(
        "outfitter", ("gates.release.rules.0={metric: pii_leak, at_most: 0}", "gates.release.target=this_set")
    )
    check_gates(loaded.app, METRICS)


def test_a_slice_that_no_row_belongs_to_is_a_configuration_error():
    loaded = load_app("outfitter", ("gates.sample.rules.0={metric: contains, at_least: 0.5, slice: kind=colour}",))
    with pytest.raises(ConfigurationError, match="unknown value of the slice column 'kind' 'colour'; known are "):
        check_slices(loaded.app, read_dataset(loaded, "sample"))
    check_slices(loaded.app, read_dataset(loaded, "full"))


@pytest.mark.parametrize(
    ("instrument", "rule", "decision", "said"),
    [
        (Instrument("", lambda n: 2 / n), {NOT_WORSE: 0.1}, "PASS", "not worse"),
        (Instrument("", lambda n: 20 / n), {NOT_WORSE: 0.1}, "INCONCLUSIVE", "a margin of 0.1 is too small to be seen"),
        (Instrument("", lambda n: 2 / n), {BETTER: 0}, "PASS", "better"),
        (Instrument("", lambda n: 60 / n), {BETTER: 0}, "INCONCLUSIVE", "differ by up to 0.6 over 100 rows"),
        (
            Instrument("its judge was never calibrated", lambda n: 0),
            {"at_least": 0.1},
            "INCONCLUSIVE",
            "never calibrated",
        ),
    ],
)
def test_a_judge_decides_no_more_than_it_can_see(evaluate, instrument, rule, decision, said):
    one, two = evaluate({"exact": share(90, 100)}), evaluate({"exact": share(40, 100)}, "two")
    verdict = decide("sample", gate({"metric": "exact"} | rule), one, two, METRICS, instruments={"exact": instrument})
    assert verdict.decision == decision
    assert said in verdict.rules[0].reason


THIS_SET = {"target": "this_set", "stop_early": True}


@pytest.mark.parametrize(("values", "decision"), [([1.0] * 16, "INCONCLUSIVE"), ([1.0] * 15 + [0.0], "FAIL")])
def test_a_set_that_must_be_without_fault_fails_at_the_first_fault_only(evaluate, values, decision):
    found = evaluate({"exact": values})
    rule = gate({"metric": "exact", "at_least": 1}, **THIS_SET)
    verdict = decide("sample", rule, found, None, METRICS, Design(40, 40, 1))
    assert verdict.decision == decision
    assert verdict.settled is (decision == "FAIL")
    assert decided({"metric": "exact", "at_least": 1}, evaluate({"exact": [1.0] * 16}), **THIS_SET)[0] == "PASS"


def test_rows_of_a_set_that_failed_are_not_known(evaluate):
    found = evaluate({"exact": [1.0] * 19 + [Outcome.APP_ERROR]})
    decision, reason = decided({"metric": "exact", "at_least": 1}, found, **THIS_SET)
    assert decision is Decision.INCONCLUSIVE
    assert reason.startswith("exact 1 [0.95, 1] n=19")
    assert decided({"metric": "exact", "at_least": 0.95}, found, **THIS_SET)[0] is Decision.PASS
    assert (
        decided({"metric": "over_refusal", "at_most": 0}, evaluate({"over_refusal": [0.0] * 20}), **THIS_SET)[0]
        == "PASS"
    )


@pytest.mark.parametrize("settings", [{}, EARLY])
def test_a_range_may_begin_anywhere(evaluate, settings):
    below = Metric("judged", "quality", "higher", "1", "From -5 to 1.", low=-5.0, high=1.0)
    found = evaluate({"judged": np.random.default_rng(5).choice([-5.0, 1.0, 0.0], 300).tolist()})
    for bound, decision in ((-3, "PASS"), (0.5, "FAIL")):
        verdict = decide(
            "sample", gate({"metric": "judged", "at_least": bound}, **settings), found, None, {"judged": below}
        )
        estimate = verdict.rules[0].estimate
        assert verdict.decision == decision
        assert -5 <= estimate.low < estimate.value < estimate.high <= 1


@pytest.mark.parametrize("settings", [{}, EARLY])
def test_of_one_cluster_no_difference_in_time_is_known(evaluate, settings):
    seconds = np.random.default_rng(6).lognormal(0, 0.5, (2, 60)).tolist()
    one, two = (
        evaluate({"exact": [1.0] * 60}, name, clusters=["only"] * 60, seconds=each)
        for name, each in zip(("one", "two"), seconds, strict=True)
    )
    for bound in ({BETTER: 0}, {NOT_WORSE: 0.01}):
        assert decided({"metric": "latency_total"} | bound, one, two, **settings)[0] is Decision.INCONCLUSIVE


def test_graded_scores_are_bet_on_whether_looked_at_once_or_again(evaluate):
    """Of 20 rows without a catastrophe a t interval would be certain that there are none."""
    found = evaluate({"token_f1": np.linspace(0.97, 1, 20).tolist()})
    decision, reason = decided({"metric": "token_f1", "at_least": 0.95}, found)
    assert decision is Decision.INCONCLUSIVE, reason


@pytest.mark.parametrize("early", [True, False])
def test_a_verdict_never_contradicts_the_interval_that_it_shows(evaluate, early):
    random = np.random.default_rng(7)
    for _ in range(60):
        truth, bound, n = random.random(), round(random.uniform(0.05, 0.95), 2), int(random.integers(5, 200))
        found = evaluate({"exact": (random.random(n) < truth).astype(float).tolist()})
        verdict = decide("sample", gate({"metric": "exact", "at_least": bound}, stop_early=early), found, None, METRICS)
        low, high = verdict.rules[0].estimate.low, verdict.rules[0].estimate.high
        expected = "PASS" if low >= bound - 1e-9 else "FAIL" if high < bound + 1e-9 else "INCONCLUSIVE"
        assert verdict.decision == expected


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("{metric: exact, not_worse_than_champion_by: 5}", "no difference is larger than 1"),
        ("{metric: latency_total, quantile: 0.9, at_most: -1}", "found -1; latency_total goes from 0 to no upper end"),
    ],
)
def test_a_margin_or_share_that_cannot_be_is_a_configuration_error(rule, said):
    loaded = load_app("outfitter", (f"gates.release.rules.0={rule}",))
    with pytest.raises(ConfigurationError) as error:
        check_gates(loaded.app, METRICS)
    assert said in str(error.value)


@pytest.mark.parametrize("bound", [".nan", ".inf"])
def test_a_bound_is_a_number(bound):
    with pytest.raises(ConfigurationError, match=r"gates\.release\.rules\.0"):
        load_app("outfitter", (f"gates.release.rules.0={{metric: exact, at_least: {bound}}}",))


def test_rows_that_only_the_budget_cut_off_were_not_drawn(evaluate):
    values = shuffled(95, 100)[:60] + [Outcome.SKIPPED] * 40
    found = evaluate({"exact": values})
    found.rows.loc[60:, "outcome"] = "skipped"
    verdict = decide("sample", gate({"metric": "exact", "at_least": 0.7}, **EARLY), found, None, METRICS)
    assert (verdict.decision, verdict.rows_used) == ("PASS", 60)


@pytest.mark.parametrize("early", [True, False])
@pytest.mark.parametrize(
    ("rule", "decision"), [({BETTER: 0.001}, "PASS"), ({NOT_WORSE: 0}, "PASS"), ({BETTER: 0.005}, "FAIL")]
)
def test_a_free_candidate_is_compared_with_a_champion_that_costs(evaluate, early, rule, decision):
    free, paid = evaluate({"exact": [1.0] * 60}), evaluate({"exact": [1.0] * 60}, "two")
    paid.rows["price"] = np.random.default_rng(8).uniform(0.001, 0.003, 60)
    assert decided({"metric": "price"} | rule, free, paid, stop_early=early)[0] == decision


def test_a_free_candidate_is_not_certainly_better_by_what_a_champion_cost_in_these_rows(evaluate):
    free, paid = evaluate({"exact": [1.0] * 60}), evaluate({"exact": [1.0] * 60}, "two")
    paid.rows["price"] = np.random.default_rng(8).uniform(0.001, 0.003, 60)
    bound = float(paid.rows["price"].mean()) - 1e-6
    assert decided({"metric": "price", BETTER: bound}, free, paid)[0] is Decision.INCONCLUSIVE


@pytest.mark.parametrize("price", [0.0, 0.01])
@pytest.mark.parametrize("settings", [{}, EARLY, THIS_SET])
def test_where_no_answer_is_correct_none_has_a_price(evaluate, settings, price):
    found = evaluate({"exact": [0.0] * 60})
    found.rows["price"] = price
    rule = {"metric": "price_per_correct", "at_most": 0.05}
    verdict = decide("sample", gate(rule, **settings), found, None, METRICS | {"price_per_correct": PER_CORRECT})
    assert verdict.decision is Decision.INCONCLUSIVE
    assert "exact is 0 in all of its 60 rows: there is nothing to divide by" in verdict.rules[0].reason


def test_a_few_times_that_are_alike_by_chance_are_no_certainty(evaluate):
    """Two of one second would pass where one answer in ten takes a minute."""
    rule = {"metric": "latency_total", "at_most": 5}
    few = decide("sample", gate(rule), evaluate({"exact": [1.0] * 2}, seconds=[1, 1.01]), None, METRICS).rules[0]
    assert few.decision is Decision.INCONCLUSIVE
    assert (few.estimate.low, few.estimate.high, few.rows_needed) == (0, np.inf, 30)
    assert few.estimate.method == "t, 2 rows are too few"
    seconds = np.random.default_rng(9).uniform(1, 2, 40).tolist()
    assert decided(rule, evaluate({"exact": [1.0] * 40}, seconds=seconds))[0] is Decision.PASS
    pairs = [f"c{number // 2}" for number in range(40)]
    assert decided(rule, evaluate({"exact": [1.0] * 40}, clusters=pairs, seconds=seconds))[0] is Decision.INCONCLUSIVE


def test_evidence_does_not_count_against_the_rows_that_came_after_it(evaluate):
    ids = [f"r{number}" for number in range(80)]
    values = np.empty(80)
    values[draw_order(ids)] = np.repeat([0.0, 1.0], 40)
    found = evaluate({"exact": values.tolist()}, ids=ids)
    decision, reason = decided({"metric": "exact", "at_least": 0.4}, found, **EARLY)
    assert decision is Decision.INCONCLUSIVE
    assert "exact 0.5 [" in reason


def test_a_set_whose_mean_is_the_bound_on_paper_fulfils_it(evaluate):
    graded = evaluate({"token_f1": [0.1, 0.2, 0.3]})
    assert decided({"metric": "token_f1", "at_most": 0.2}, graded, **THIS_SET)[0] is Decision.PASS
    same = evaluate({"token_f1": [0.3, 0.1, 0.2]}, "two")
    assert decided({"metric": "token_f1", BETTER: 0}, graded, same, **THIS_SET)[0] is Decision.FAIL


def test_of_a_set_with_a_row_without_a_time_the_mean_time_is_not_known(evaluate):
    found = evaluate({"exact": [1.0] * 40}, seconds=[1.0, 2.0] * 19 + [1.0, 0.0])
    rule = decide("sample", gate({"metric": "latency_total", "at_most": 1.5}, **THIS_SET), found, None, METRICS).rules[
        0
    ]
    assert rule.decision is Decision.INCONCLUSIVE
    assert rule.estimate.low < rule.estimate.value < rule.estimate.high


@pytest.mark.parametrize("early", [True, False])
def test_a_rule_on_small_prices_is_decided_by_the_interval_that_it_shows(evaluate, early):
    found = evaluate({"exact": [1.0] * 60})
    found.rows["price"] = np.random.default_rng(10).uniform(1e-7, 3e-7, 60)
    verdict = decide("sample", gate({"metric": "price", "at_most": 1e-6}, stop_early=early), found, None, METRICS)
    assert verdict.decision is Decision.PASS
    assert 0 < verdict.rules[0].estimate.high < 1e-6
