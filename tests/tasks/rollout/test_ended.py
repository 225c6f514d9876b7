"""Only a rollout that no person ended is news, and only until something else happens to the champion."""

import pytest

from tasks.releasing.log import ReleaseLog
from tasks.rollout.ended import ended_by_itself


@pytest.fixture
def log(tmp_path):
    return ReleaseLog(tmp_path / "shop.jsonl")


def add(log, kind, who, why="why", **facts):
    said = {"action": "promote", "release": "rel", "candidate": "c" * 16, "version": 2}
    return log.append(kind, **(said | facts), who=who, why=why)


@pytest.mark.parametrize("who", ["rollout", "endpoint"])
def test_what_the_judge_or_the_endpoint_ended_is_told_with_its_reason(log, who):
    add(log, "stage", "minji", stage="canary")
    assert ended_by_itself(log.entries()) is None
    step = add(log, "stage", who, "error_rate is certainly worse", stage="ended")
    ended = ended_by_itself(log.entries())
    assert (ended.step, ended.rolled_back) == (step, None)
    assert ended.reason == f"{who}: error_rate is certainly worse"


def test_a_rollback_says_who_went_back_and_why(log):
    for kind in ("intent", "commit"):
        add(log, kind, "minji", "users complain", action="rollback", candidate="b" * 16)
    step = add(log, "stage", "rollout", "another one is champion now", stage="ended")
    ended = ended_by_itself(log.entries())
    assert (ended.step, ended.reason) == (step, "minji: users complain")


def test_what_a_person_ended_is_no_news(log):
    add(log, "stage", "minji", stage="ended")
    assert ended_by_itself(log.entries()) is None
    assert ended_by_itself(()) is None


def test_the_next_release_ends_the_news(log):
    add(log, "stage", "rollout", stage="ended")
    add(log, "stage", "minji", stage="proposed", release="next")
    assert ended_by_itself(log.entries()) is None


def test_a_watch_that_ended_without_answers_enough_says_that_its_champion_is_unproven(log):
    for stage, kind in ((None, "intent"), (None, "commit"), ("watch", "stage")):
        add(log, kind, "rollout", stage=stage)
    add(log, "stage", "rollout", "unproven, and still champion: error_rate (0 of 50)", stage="ended")
    ended = ended_by_itself(log.entries())
    assert ended.unproven and ended.rolled_back is None
    assert ended.reason == "rollout: unproven, and still champion: error_rate (0 of 50)"


def test_one_that_was_replaced_while_it_was_watched_is_not_called_unproven(log):
    for stage, kind in ((None, "commit"), ("watch", "stage")):
        add(log, kind, "rollout", stage=stage)
    add(log, "commit", "minji", release="next", candidate="d" * 16)
    add(log, "stage", "rollout", "another one is champion now", stage="ended")
    assert not ended_by_itself(log.entries()).unproven
