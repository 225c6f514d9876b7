import pytest

from configs.errors import ReleaseError
from tasks.rollout.stages import rollout_of, step


def test_nothing_is_under_way_before_the_first_step(log):
    assert rollout_of(log.entries()) is None


def test_the_last_step_says_where_it_stands(begun):
    rollout = begun("proposed", "approved", "shadow", "canary", share=0.05)
    assert (rollout.stage, rollout.share, rollout.candidate, rollout.champion) == ("canary", 0.05, "new", "old")
    assert rollout.answers and not rollout.promoted
    assert rollout.opened.stage == "proposed"


@pytest.mark.parametrize("last", ["declined", "ended", "settled"])
def test_what_is_over_is_not_under_way(begun, last):
    assert begun("proposed", last) is None


def test_the_same_release_may_be_tried_again(begun, log):
    begun("canary", "ended")
    rollout = begun("shadow")
    assert rollout.opened.sequence == 3


def test_a_commit_of_the_release_says_that_it_is_promoted(begun):
    assert begun("canary", promoted=True).promoted
    assert not begun("watch", promoted=True).answers


def test_a_promotion_before_it_was_tried_again_is_not_this_ones(begun):
    begun("canary", "watch", "ended", promoted=True)
    assert not begun("canary").promoted


def test_a_step_follows_only_where_it_may(begun, log):
    rollout = begun("proposed")
    with pytest.raises(ReleaseError, match="is at `proposed`: `watch` cannot follow"):
        step(log, rollout, "watch", who="minji", why="because")
    assert step(log, rollout, "approved", who="minji", why="fine").stage == "approved"


def test_two_who_look_at_the_same_moment_take_one_step(begun, log):
    rollout = begun("canary")
    step(log, rollout, "canary", evidence={"share": 0.5}, who="rollout", why="more")
    with pytest.raises(ReleaseError, match="has gone on; look again"):
        step(log, rollout, "ended", who="rollout", why="worse")
    assert rollout_of(log.entries()).share == 0.5


def test_no_step_stands_between_the_beginning_and_the_end_of_a_change(begun, log):
    rollout = begun("canary")
    facts = {"release": "rel", "candidate": "new", "version": 2, "who": "minji", "why": "because"}
    log.append("intent", action="promote", **facts)
    with pytest.raises(ReleaseError, match="under way; try again"):
        step(log, rollout, "ended", who="rollout", why="worse")


def test_who_ends_a_rollout_while_its_candidate_is_promoted_looks_again(begun, log):
    rollout = begun("canary")
    facts = {"release": "rel", "candidate": "new", "version": 2, "who": "rollout", "why": "as good"}
    log.append("commit", action="promote", **facts)
    with pytest.raises(ReleaseError, match="has gone on; look again"):
        step(log, rollout, "ended", who="minji", why="stop")
    assert step(log, rollout._replace(promoted=True), "watch", who="rollout", why="watched").stage == "watch"
