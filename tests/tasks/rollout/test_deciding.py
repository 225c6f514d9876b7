from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from configs.schema.release import Rollout as Rules
from tasks.guarding.done import Done
from tasks.rollout.deciding import decide, found_of
from tasks.rollout.measures import Measure
from tasks.rollout.observing import Observations


def decided(rollout, rules, seen, minutes=1):
    began = rollout.began
    return decide(rollout, rules, seen, began + timedelta(minutes=minutes), began)


def many(answer, count, rate, arm="champion", share=0.2, start=0, seed=0):
    rng = np.random.default_rng(seed)
    return [answer(start + n, arm, share, ok=bool(rng.random() < rate)) for n in range(count)]


def test_what_a_guard_kept_away_says_nothing_of_who_would_have_answered(seen, answer):
    blocked = answer(1, "canary", gone=True)
    seen.add([replace(blocked, guarded=(Done("injection", "input", "block"),)), answer(2, "canary")])
    assert seen.own_answers(0.2) == 1
    assert seen.answered(seen.measures[0]) == (1, 0)


def test_copies_are_waited_for_and_then_some_users_meet_it(begun, rules, seen, answer):
    rules = rules.model_copy(update={"shadow": 3})
    rollout = begun("shadow", share=0.0)
    for n in range(3):
        assert decided(rollout, rules, seen).what == "wait"
        seen.add([answer(n, share=0.0), answer(n, "shadow", 0.0)])
    found = decided(rollout, rules, seen)
    assert (found.what, found.share) == ("canary", 0.05)


def test_a_candidate_that_fails_copies_ends_before_any_user_meets_it(begun, rules, seen, answer):
    rules = rules.model_copy(update={"shadow": 500})
    rollout = begun("shadow", share=0.0)
    for n in range(30):
        seen.add([answer(n, share=0.0), answer(n, "shadow", 0.0, ok=False)])
    found = decided(rollout, rules, seen)
    assert (found.what, found.why) == ("end", "error_rate is certainly worse than the champion's")


def test_the_share_grows_once_there_are_answers_enough_of_its_own(begun, rules, seen, answer):
    rollout = begun("canary", share=0.05)
    seen.add(many(answer, 100, 1.0, share=0.05))
    assert decided(rollout, rules, seen).what == "wait"
    seen.add(many(answer, 10, 1.0, "canary", share=0.05, start=100))
    found = decided(rollout, rules, seen)
    assert (found.what, found.share) == ("canary", 0.2)


def test_it_is_promoted_only_at_the_last_share(begun, rules, seen, answer):
    seen.add(many(answer, 4000, 1.0, share=0.05))
    seen.add(many(answer, 400, 1.0, "canary", share=0.05, start=4000))
    assert decided(begun("canary", share=0.05), rules, seen).what == "canary"
    seen.add(many(answer, 40, 1.0, "canary", share=0.2, start=4400))
    assert decided(begun("canary", share=0.2), rules, seen).what == "promote"


def test_one_metric_that_lacks_evidence_holds_the_promotion_up(begun, rules, answer):
    seen = Observations([Measure("error_rate", 0.05, None), Measure("latency_total", 0.05, None)], {}, ())
    seen.add(many(answer, 4000, 1.0))
    seen.add(many(answer, 400, 1.0, "canary", start=4000))
    found = decided(begun("canary"), rules, seen)
    assert (found.what, "latency_total" in found.why) == ("wait", True)


def test_nothing_at_all_ends_it_when_its_time_is_over(begun, rules, seen):
    rollout = begun("canary")
    assert decided(rollout, rules, seen, minutes=71 * 60).what == "wait"
    late = decided(rollout, rules, seen, minutes=73 * 60)
    assert (late.what, late.why) == ("end", "not shown to be no worse than the champion within 72 hours")


def test_slow_answers_are_worse(begun, rules, answer):
    seen = Observations([Measure("latency_total", 0.05, None)], {"latency_total": 2.0}, ())
    seen.add(answer(n, seconds=1.0) for n in range(1000))
    seen.add(answer(1000 + n, "canary", seconds=9.0) for n in range(250))
    assert decided(begun("canary"), rules, seen).why == "latency_total is certainly worse than the champion's"


def test_clients_who_leave_count_as_answers_that_did_not_come(begun, rules, seen, answer):
    seen.add(answer(n) for n in range(1000))
    seen.add(answer(1000 + n, "canary", gone=True) for n in range(100))
    assert decided(begun("canary"), rules, seen).what == "end"


def test_after_the_promotion_a_worse_one_goes_back(begun, rules, seen, answer):
    seen.add(many(answer, 1000, 0.9))
    rollout = begun("canary", "watch", promoted=True)
    seen.add(many(answer, 100, 0.9, "watch", start=2000, seed=1))
    assert decided(rollout, rules, seen).what == "wait"
    seen.add(many(answer, 400, 0.6, "watch", start=3000, seed=2))
    found = decided(rollout, rules, seen)
    assert (found.what, found.why) == ("roll back", "error_rate is certainly worse than the champion's before it")


def test_the_watch_ends_after_its_time_and_not_without_answers(begun, rules, seen, answer):
    seen.add(many(answer, 1000, 0.9))
    rollout = begun("canary", "watch", promoted=True)
    assert decided(rollout, rules, seen, minutes=61).what == "wait", "nobody has asked it yet"
    seen.add(many(answer, 40, 0.9, "watch", start=2000, seed=1))
    assert decided(rollout, rules, seen, minutes=59).what == "wait"
    assert decided(rollout, rules, seen, minutes=61).what == "settle"


def test_a_watch_that_nobody_came_to_ends_unproven_and_not_as_well(begun, rules, seen, answer):
    seen.add(many(answer, 1000, 0.9))
    rollout = begun("canary", "watch", promoted=True)
    seen.add(many(answer, 9, 0.9, "watch", start=2000))
    assert decided(rollout, rules, seen, minutes=71 * 60).what == "wait"
    found = decided(rollout, rules, seen, minutes=73 * 60)
    assert (found.what, found.why) == (
        "end",
        "unproven, and still champion: within 72 hours of its promotion too few answers came to compare: "
        "error_rate (9 of 10)",
    )


@pytest.mark.parametrize(
    ("before", "after", "lacks"),
    [(1.0, 0.0, "latency_total (0 of 10)"), (0.0, 1.0, "latency_total (none of the champion's answers)")],
)
def test_a_metric_that_was_not_measured_on_one_side_is_not_well(begun, rules, answer, before, after, lacks):
    seen = Observations(
        [Measure("error_rate", 0.05, None), Measure("latency_total", 0.05, None)], {"latency_total": 2}, ()
    )
    seen.add(answer(n, seconds=before) for n in range(200))
    seen.add(answer(1000 + n, "watch", seconds=after) for n in range(50))
    rollout = begun("canary", "watch", promoted=True)
    early, late = (decided(rollout, rules, seen, minutes=minutes) for minutes in (61, 73 * 60))
    assert (early.what, early.why) == ("wait", f"50 answers since the promotion, too few to compare: {lacks}")
    assert late.what == "end" and late.why.startswith("unproven") and late.why.endswith(f": {lacks}")


def test_a_worse_one_goes_back_though_another_metric_is_lacking(begun, rules, answer):
    seen = Observations([Measure("error_rate", 0.05, None), Measure("latency_total", 0.05, None)], {}, ())
    seen.add(many(answer, 1000, 0.9))
    seen.add(many(answer, 400, 0.6, "watch", start=3000, seed=2))
    assert decided(begun("canary", "watch", promoted=True), rules, seen).what == "roll back"


def test_what_is_shown_has_an_interval_and_counts(begun, rules, seen, answer):
    seen.add(many(answer, 400, 1.0))
    seen.add(many(answer, 100, 0.5, "canary", start=400))
    (found,) = found_of(begun("canary"), rules, seen)
    assert (found.new, found.old) == (100, 400)
    assert found.difference.low <= found.difference.value <= found.difference.high < 0
    assert found.worse >= 1 > found.fine


@pytest.mark.parametrize(("new", "ends"), [(0.7, "end"), (0.8, "promote")])
def test_most_rollouts_end_as_they_should(begun, new, ends, answer):
    rules = Rules.model_validate(
        {"shares": [0.2], "answers": 50, "metrics": [{"metric": "error_rate", "margin": 0.05}]}
    )
    rollout, ended = begun("canary"), []
    for seed in range(12):
        rng, seen = np.random.default_rng(seed), Observations([Measure("error_rate", 0.05, None)], {}, ())
        for start in range(0, 8000, 200):
            arms = rng.random(200) < 0.2
            ok = rng.random(200) < np.where(arms, new, 0.8)
            seen.add(answer(start + n, "canary" if arms[n] else "champion", ok=bool(ok[n])) for n in range(200))
            found = decided(rollout, rules, seen)
            if found.what != "wait":
                break
        ended.append(found.what)
    assert ended.count(ends) >= 10, ended
