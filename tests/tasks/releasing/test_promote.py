"""A release happens whole or not at all; afterwards log, alias and endpoint name the same candidate."""

from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from configs.errors import ReleaseError
from tasks.gating.verdict import Decision
from tasks.releasing.promote import promote, release_id, rollback
from tasks.releasing.reconcile import reconcile
from tasks.rollout.opening import promote_rollout, released_before
from tasks.rollout.stages import open_rollout, rollout_of, step


def release(world, verdicts, name, more={}):  # noqa: B006 it is only read
    candidate, version = world.register(name)
    options = {"verdicts": verdicts(candidate), "who": "minji", "why": "better"} | more
    return promote(candidate, version, parts=world.parts, **options)


def bootstrap(world, name="first"):
    candidate, version = world.register(name, gates=False)
    return promote(candidate, version, parts=world.parts, bootstrap=True, who="loop", why="the exploration's best")


def test_the_first_champion_is_marked_as_bootstrap(world):
    entry = bootstrap(world).entry
    assert entry.bootstrap and entry.previous_version is None
    assert [e.kind for e in world.log.entries()] == ["intent", "commit"]
    assert entry.evidence["smoke"]["answer"] == "hello"
    assert world.agree()


def test_a_later_champion_names_the_one_before(world, verdicts):
    first = bootstrap(world).entry
    second = release(world, verdicts, "second").entry
    assert (second.previous_candidate, second.previous_version) == (first.candidate, first.version)
    assert not second.bootstrap
    assert world.agree() and world.alias == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda v: {"verdicts": v[:1]}, "gate release has not decided on it"),
        (lambda v: {"verdicts": ()}, "gate release has not decided on it"),
        (lambda v: {"verdicts": (v[0], v[1].model_copy(update={"decision": Decision.FAIL}))}, "gate release says FAIL"),
        (
            lambda v: {"verdicts": (v[0].model_copy(update={"decision": Decision.INCONCLUSIVE}), v[1])},
            "gate sample says INCONCLUSIVE",
        ),
        (lambda v: {"verdicts": (v[0], v[1].model_copy(update={"candidate": "other"}))}, "is on another candidate"),
        (lambda v: {"bootstrap": True}, "may not be released as bootstrap: version 1 is champion"),
    ],
)
def test_a_candidate_that_passed_not_both_gates_is_refused_before_anything_moves(world, verdicts, change, message):
    bootstrap(world)
    candidate, _ = world.register("second")
    before = world.log.entries()
    with pytest.raises(ReleaseError, match=message):
        release(world, verdicts, "second", change(verdicts(candidate)))
    assert world.log.entries() == before and world.agree()


@pytest.mark.parametrize("which", [slice(0), slice(1), slice(1, 2)])
def test_nor_does_a_rollout_begin_without_both_gates(world, verdicts, which):
    bootstrap(world)
    candidate, version = world.register("second")
    before = world.log.entries()
    with pytest.raises(ReleaseError, match=r"may not be released: gate (release|sample) has not decided on it"):
        open_rollout(
            world.parts,
            "canary",
            release="rel",
            candidate=candidate.digest,
            version=version,
            verdicts=verdicts(candidate)[which],
            evidence={"share": 0.5},
            who="minji",
            why="better",
        )
    assert world.log.entries() == before


def test_a_release_made_before_is_not_made_again(world, verdicts):
    bootstrap(world)
    first = release(world, verdicts, "second")
    again = release(world, verdicts, "second")
    assert (first.made, again.made) == (True, False)
    assert again.entry == first.entry and again.note == ""
    assert len(world.log.entries()) == 4


def test_a_release_rolled_back_by_hand_stays_rolled_back_and_says_so(world, verdicts):
    bootstrap(world)
    release(world, verdicts, "second")
    rollback(world.parts, who="minji", why="complaints")
    again = release(world, verdicts, "second")
    assert not again.made
    assert "since then rolled back: version 1 is champion (complaints)" in again.note
    assert world.agree() and world.alias == 1


def test_a_failed_smoke_test_puts_alias_and_endpoint_back(world, verdicts):
    bootstrap(world)
    candidate, _ = world.register("second")
    world.broken.add(candidate.digest)
    with pytest.raises(ReleaseError, match="the model answered 500; start it; version 1 is still champion"):
        release(world, verdicts, "second")
    last = world.log.entries()[-1]
    assert (last.kind, last.why) == ("abort", "the model answered 500; start it")
    assert world.agree() and world.alias == 1
    world.broken.clear()
    assert release(world, verdicts, "second").made and world.agree()


def test_a_first_release_that_fails_leaves_no_champion(world):
    candidate, _ = world.register("first")
    world.broken.add(candidate.digest)
    with pytest.raises(ReleaseError, match="there is no champion"):
        bootstrap(world)
    assert world.alias is None and world.agree()


def test_going_back_twice_goes_back_two_champions(world, verdicts):
    bootstrap(world)
    release(world, verdicts, "second")
    release(world, verdicts, "third")
    back = [rollback(world.parts, who="minji", why="worse").entry.version for _ in range(2)]
    assert back == [2, 1]
    with pytest.raises(ReleaseError, match="version 1 is the first champion"):
        rollback(world.parts, who="minji", why="worse")
    assert world.agree()


def test_going_back_twice_past_a_champion_that_was_released_again(world, verdicts):
    bootstrap(world)
    release(world, verdicts, "second")
    release(world, verdicts, "first", {"evidence": {"epoch": "next"}})
    release(world, verdicts, "third")
    back = [rollback(world.parts, who="minji", why="worse").entry.version for _ in range(3)]
    assert back == [1, 2, 1]


def test_a_candidate_on_trial_is_not_promoted_beside_another_champion_than_it_was_compared_with(world, verdicts):
    bootstrap(world)
    release(world, verdicts, "second")
    candidate, version = world.register("third")
    rollout = open_rollout(
        world.parts,
        "proposed",
        release="rel",
        candidate=candidate.digest,
        version=version,
        verdicts=verdicts(candidate),
        evidence={},
        who="minji",
        why="better",
    )
    rollback(world.parts, who="minji", why="worse")
    with pytest.raises(ReleaseError, match=r"was not compared with version 1, which is champion now; .*rollout end"):
        promote_rollout(world.parts, rollout, who="minji", why="I agree")
    assert world.alias == 1 and world.agree()


def test_a_release_that_was_killed_between_its_promotion_and_its_last_step_is_settled(world, verdicts, monkeypatch):
    bootstrap(world)
    candidate, version = world.register("second")
    release = release_id(candidate, verdicts(candidate), {})
    facts = {"release": release, "candidate": candidate.digest, "version": version, "who": "minji", "why": "better"}
    open_rollout(world.parts, "proposed", verdicts=verdicts(candidate), evidence={}, **facts)
    step(world.log, rollout_of(world.log.entries()), "approved", who="minji", why="fine")
    promote_rollout(world.parts, rollout_of(world.log.entries()), who="minji", why="fine")
    assert rollout_of(world.log.entries()).promoted
    for name, value in (("evidence_of", {}), ("release_log", world.log), ("parts_of", world.parts)):
        monkeypatch.setattr(f"tasks.rollout.opening.{name}", lambda _, value=value: value)
    app = SimpleNamespace(release=SimpleNamespace(rollout=None))
    workspace = SimpleNamespace(name="shop", loaded=SimpleNamespace(app=app))
    assert not released_before(workspace, candidate, version, verdicts(candidate)).made
    assert rollout_of(world.log.entries()) is None and world.log.entries()[-1].stage == "settled"


def test_going_back_to_a_version_by_its_number(world, verdicts):
    bootstrap(world)
    release(world, verdicts, "second")
    release(world, verdicts, "third")
    assert rollback(world.parts, version=1, who="minji", why="worse").entry.version == 1
    assert rollback(world.parts, version=1, who="minji", why="again").note == "version 1 is champion already"
    assert rollback(world.parts, version=3, who="minji", why="it was fine").entry.version == 3
    with pytest.raises(ReleaseError, match="version 7 was never champion; go back to one of 1, 2, 3"):
        rollback(world.parts, version=7, who="minji", why="?")
    assert world.agree()


def test_nothing_released_is_nothing_to_go_back_to(world):
    with pytest.raises(ReleaseError, match="nothing is released"):
        rollback(world.parts, who="minji", why="?")


@pytest.mark.parametrize("change", ["bootstrap", "promote", "promote and fail", "rollback", "adopt", "refuse"])
def test_whenever_the_process_dies_reconciling_makes_all_three_agree(new_world, verdicts, crash, change):
    """Dies at the first point, at the second, and so on until the change gets through."""
    for die_at in range(1, 100):
        world = new_world()
        if change != "bootstrap":
            bootstrap(world)
            release(world, verdicts, "second")
        candidate, version = world.register("third", gates=change != "refuse")
        if change == "promote and fail":
            world.broken.add(candidate.digest)
        known = {None, 1, 2, 3}
        world.points, world.die_at = 0, die_at
        died = False
        try:
            if change in ("adopt", "refuse"):
                world.alias = version
                reconcile(world.parts)
            elif change == "rollback":
                rollback(world.parts, who="minji", why="worse")
            elif change == "bootstrap":
                bootstrap(world)
            else:
                release(world, verdicts, "third")
        except crash:
            died = True
        except ReleaseError:
            assert change == "promote and fail"
        world.die_at = None
        after = reconcile(world.parts)
        world.look()
        assert world.agree(), f"died at {die_at}"
        assert world.alias in known
        assert not world.log.entries() or not world.log.entries()[-1].open
        assert reconcile(world.parts) == (after.champion, ()), "reconciling twice changes nothing"
        if not died:
            assert die_at > 6
            return
    pytest.fail("the change never got through")


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_history_of_releases_hands_and_crashes_ends_in_agreement(new_world, verdicts, crash, data):
    world = new_world()
    steps = st.sampled_from(["release", "broken", "rollback", "hand", "remove", "warn", "refuse"])
    for change in data.draw(st.lists(steps, min_size=1, max_size=8)):
        world.points, world.die_at = 0, data.draw(st.one_of(st.none(), st.integers(1, 14)))
        name = data.draw(st.sampled_from(["a", "b", "c"]))
        try:
            if change in ("warn", "refuse"):
                world.moved_by_hand = change
            elif change == "hand":
                _, world.alias = world.register(name, gates=data.draw(st.booleans()))
            elif change == "remove":
                world.alias = None
            elif change == "rollback":
                rollback(world.parts, who="minji", why="worse")
            elif world.log.committed() is None:
                bootstrap(world, name)
            else:
                if change == "broken":
                    world.broken.add(world.register(name)[0].digest)
                release(world, verdicts, name, {"evidence": {"run": len(world.log.entries())}})
        except (crash, ReleaseError):
            pass
        world.broken.clear()
        world.die_at = None
        reconcile(world.parts)
        world.look()
        assert world.agree()
        world.log.verify()
