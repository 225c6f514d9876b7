"""The page of an evaluation: its first line, what differs, the rows that changed, and what would settle it."""

import pytest

from tasks.pages.compose import compose

NOT_WORSE = {"metric": "contains", "not_worse_than_champion_by": 0.05}


def share(hits, n):
    return [1.0] * hits + [0.0] * (n - hits)


@pytest.fixture
def page(metrics):
    def make(one, other=None, **about):
        return compose(one, other, metrics, **{"rank_by": "token_f1"} | about)

    return make


def test_the_first_line_is_the_verdict_and_the_difference_that_it_stands_on(evaluated, decided, page):
    one, other = evaluated({"contains": share(90, 100)}), evaluated({"contains": share(80, 100)}, "two")
    rule = {"metric": "contains", "at_least": 0.5}
    found = page(one, other, **decided(one, other, rule, NOT_WORSE))
    assert found.decision == "PASS"
    assert found.headline.startswith("PASS at the release gate: contains +0.1 [+0.0")
    assert found.headline.endswith("] against the champion (100 of 100 rows asked)")
    assert found.conclusive == "Nothing more is needed: every rule is settled."


def test_without_a_rule_on_quality_the_metric_that_ranks_is_the_difference(evaluated, decided, page):
    one = evaluated({"token_f1": [0.8] * 20, "over_refusal": [0.0] * 20})
    other = evaluated({"token_f1": [0.6] * 20, "over_refusal": [0.0] * 20}, "two")
    rule = {"metric": "over_refusal", "not_worse_than_champion_by": 0.5}
    assert "token_f1 +0.2 [" in page(one, other, **decided(one, other, rule)).headline


@pytest.mark.parametrize("case", ["no champion", "no gate", "itself", "other data", "no answer"])
def test_the_first_line_says_what_is_missing(evaluated, decided, page, case):
    one = evaluated({"token_f1": [0.5, 0.5]})
    rule = {"metric": "token_f1", "at_least": 0.9}
    if case == "no champion":
        found = page(one, None, **decided(one, None, rule))
        assert found.headline == (
            "FAIL at the release gate: token_f1 0.5 [0.0945, 0.905], no champion to compare with (2 of 2 rows asked)"
        ).replace("FAIL", found.decision)
        assert found.other is None
    elif case == "no gate":
        found = page(one, evaluated({"token_f1": [0.5, 0.6]}, "two"))
        assert found.headline.startswith("candidate on full: token_f1 −0.05 [")
        assert (found.decision, found.rules, found.conclusive) == (None, (), "")
    elif case == "itself":
        found = page(one, one, **decided(one, one, {"metric": "token_f1", "not_worse_than_champion_by": 0.1}))
        assert "the same answers as those of the champion" in found.headline
        assert found.metrics[0].difference is None
    elif case == "other data":
        found = page(one, evaluated({"token_f1": [1.0, 1.0]}, "two", dataset="other"))
        assert "the champion was evaluated on other data" in found.headline
    else:
        none = evaluated({"token_f1": [None, None]}, "none", answers=[None, None])
        found = page(none, one, **decided(none, one, rule))
        assert found.headline == "INCONCLUSIVE at the release gate: no row was answered (2 of 2 rows asked)"
        assert found.unanswered == ("2 × down",)
        assert "no row was scored" in found.needs[0].words


def test_rows_that_changed_most_come_worst_and_best_first_with_both_answers(evaluated, page):
    one = evaluated({"token_f1": [0.5, 0.1, 1.0, 0.4, 0.9], "contains": [1.0] * 5})
    other = evaluated({"token_f1": [0.5, 0.9, 0.2, 0.5, 0.8], "contains": [1.0] * 5}, "two")
    found = page(one, other, about=["token_f1"])
    assert [row.row_id for row in found.worst] == ["r1", "r3"]
    assert [row.row_id for row in found.best] == ["r2", "r4"]
    first = found.worst[0]
    assert (first.question, first.reference, first.slices) == ("question 1", "reference 1", "policy")
    assert (first.one.answer, first.other.answer) == ("answer 1 of one", "answer 1 of two")
    assert [(score.metric, score.value, score.why) for score in first.one.scores] == [
        ("token_f1", 0.1, "because of 0.1")
    ]
    assert first.gain == pytest.approx(-0.8)


def test_a_change_counts_in_the_direction_that_is_better(evaluated, page):
    one = evaluated({"over_refusal": [1.0, 0.0, 0.0]})
    other = evaluated({"over_refusal": [0.0, 0.0, 1.0]}, "two")
    found = page(one, other, about=["over_refusal"])
    assert [row.row_id for row in found.worst] == ["r0"]
    assert [row.row_id for row in found.best] == ["r2"]


def test_one_side_alone_shows_what_scored_lowest(evaluated, page):
    found = page(evaluated({"token_f1": [0.9, 0.1, 1.0]}), about=["token_f1"])
    assert [row.row_id for row in found.worst] == ["r1", "r0"]
    assert found.best == ()
    assert found.worst_title == "Rows that scored lowest, by token_f1"


def test_at_most_five_rows_at_either_end_however_many_changed(evaluated, page):
    one, other = evaluated({"token_f1": [0.0] * 30}), evaluated({"token_f1": [1.0] * 30}, "two")
    assert [row.row_id for row in page(one, other).worst] == [f"r{at}" for at in range(5)]


def test_what_differs_is_marked_for_all_metrics_together(evaluated, page):
    one = evaluated({"contains": share(95, 100), "token_f1": [0.5, 0.6] * 50})
    other = evaluated({"contains": share(60, 100), "token_f1": [0.6, 0.5] * 50}, "two")
    says = {each.metric: each.says for each in page(one, other).metrics}
    assert says == {"contains": "better", "token_f1": "", "over_refusal": ""}


def test_an_interval_that_excludes_zero_by_a_hair_is_not_marked_among_many_metrics(evaluated, page):
    one = evaluated({"contains": [*share(6, 6), *share(0, 94)]})
    other = evaluated({"contains": [0.0] * 100}, "two")
    found = next(each for each in page(one, other).metrics if each.metric == "contains")
    assert found.difference.low > 0
    assert (found.differs, found.says) == (False, "")


def test_slices_and_costs_have_tables_of_their_own(evaluated, page):
    one, other = evaluated({"contains": share(5, 10)}, price=0.002), evaluated({"contains": share(5, 10)}, "two")
    found = page(one, other)
    assert {each.slice for each in found.slices} == {"kind=fact", "kind=policy"}
    price = next(each for each in found.costs if each.metric == "price")
    assert price.difference.value == pytest.approx(0.001)
    assert (found.one.price, found.other.price) == (pytest.approx(0.02), pytest.approx(0.01))
    assert found.one.tokens == 150


def test_what_would_settle_it_is_said_in_rows_price_and_time(evaluated, decided, page):
    one, other = evaluated({"contains": share(60, 100)}), evaluated({"contains": share(58, 100)}, "two")
    found = page(one, other, **decided(one, other, NOT_WORSE, {"metric": "contains", "at_least": 0.55}))
    assert found.decision == "INCONCLUSIVE"
    (need,) = found.needs
    assert need.rule == "contains at least 0.55"
    more = need.rows - 100
    assert (need.price, need.seconds) == (pytest.approx(more * 0.002), pytest.approx(more * 4))
    assert f"about {need.rows:,} rows in all, {more:,} more than were asked" in need.words
    assert f"the data has 100 rows, so add about {more:,}" in need.words
    assert found.conclusive.startswith(f"About {need.rows:,} rows in all would settle every open rule")


def test_a_fail_needs_no_more_rows_and_says_what_is_broken(evaluated, decided, page):
    one = evaluated({"contains": share(10, 100)})
    rules = ({"metric": "contains", "at_least": 0.5}, {"metric": "contains", "at_least": 0.1})
    found = page(one, None, **decided(one, None, *rules))
    assert (found.decision, found.needs) == ("FAIL", ())
    assert found.conclusive.endswith("what is broken: contains at least 0.5.")


def test_a_rule_about_some_of_the_rows_takes_more_rows_of_the_data(evaluated, decided, page):
    values = [1.0 if at % 4 == 0 else 0.0 if at % 4 == 2 else 1.0 for at in range(100)]
    one = evaluated({"contains": values})
    rule = {"metric": "contains", "at_least": 0.45, "slice": "kind=fact"}
    judged = decided(one, None, rule)
    (need,) = page(one, None, **judged).needs
    assert need.rows == pytest.approx(2 * judged["verdict"].rules[0].rows_needed, abs=1)


def test_without_a_champion_the_advice_is_to_release_one(evaluated, decided, page):
    one = evaluated({"contains": share(60, 100)})
    (need,) = page(one, None, **decided(one, None, NOT_WORSE)).needs
    assert (need.rows, need.price) == (None, None)
    assert "release one first" in need.words


def test_a_gate_that_stopped_early_says_what_its_intervals_do_not_allow_for(evaluated, decided, page):
    one = evaluated({"contains": share(60, 100)})
    judged = decided(one, None, {"metric": "contains", "at_least": 0.1}, stop_early=True)
    early = judged["verdict"].model_copy(update={"rows_available": 178})
    notes = page(one, None, gate=judged["gate"], verdict=early).notes
    assert any("stopped as soon as it was settled" in note for note in notes)
    assert not any("stopped as soon" in note for note in page(one, None, **judged).notes)


def test_a_metric_that_the_app_no_longer_has_is_left_out(evaluated, metrics):
    one = evaluated({"contains": [1.0, 0.0], "token_f1": [1.0, 0.0]})
    del metrics["contains"]
    assert "contains" not in {each.metric for each in compose(one, None, metrics, rank_by="token_f1").metrics}


def test_a_quantile_is_beside_the_other_sides_and_has_no_difference(evaluated, page):
    one = evaluated({"contains": [1.0] * 20}, seconds=3.0)
    other = evaluated({"contains": [0.0] * 20}, "two", seconds=4.0)
    found = page(one, other)
    quantiles = [each for each in found.costs if each.one.quantile and each.metric.startswith("latency_total")]
    assert [each.metric for each in quantiles] == [f"latency_total ({each} quantile)" for each in (0.5, 0.95, 0.99)]
    for each in quantiles:
        assert (each.one.value, each.other.value, each.difference) == (3.0, 4.0, None)
        assert (each.differs, each.says) == (False, "")
    assert not any("quantile" in line.what for panel in found.panels for line in panel.lines)
    assert "among all 6 metrics" in " ".join(found.notes)
