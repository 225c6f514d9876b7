"""An alias moved by hand is noticed, logged, and taken over or moved back as configured."""

import pytest

from configs.errors import ReleaseError, StackError
from tasks.releasing.promote import promote
from tasks.releasing.reconcile import reconcile


@pytest.fixture
def released(world):
    candidate, version = world.register("first")
    promote(candidate, version, parts=world.parts, bootstrap=True, who="loop", why="best")
    return world


def kinds(world):
    return [(entry.kind, entry.action) for entry in world.log.entries()[2:]]


def test_nothing_to_do_writes_nothing(released):
    assert reconcile(released.parts).notes == ()
    assert kinds(released) == []


def test_moved_to_a_version_that_passed_its_gates_is_taken_over(released):
    _, released.alias = released.register("second")
    assert reconcile(released.parts).notes == ("alias moved by hand to version 2: taken over",)
    assert kinds(released) == [("alias_moved", "adopt"), ("intent", "adopt"), ("commit", "adopt")]
    assert released.agree() and released.alias == 2


def test_moved_to_a_version_without_gates_is_moved_back(released):
    _, released.alias = released.register("second", gates=False)
    [note] = reconcile(released.parts).notes
    assert note == "alias moved by hand to version 2: moved back: version 2 did not pass its gates"
    assert kinds(released) == [("alias_moved", "restore"), ("abort", "restore")]
    assert released.agree() and released.alias == 1


def test_moved_to_a_version_without_gates_is_served_with_a_warning_where_configured(released):
    released.moved_by_hand = "warn"
    _, released.alias = released.register("second", gates=False)
    [note] = reconcile(released.parts).notes
    assert note.endswith("taken over; it passed no gate")
    assert "passed no gate" in released.log.committed().why
    assert released.agree() and released.alias == 2


def test_moved_to_a_version_that_does_not_answer_is_moved_back(released):
    candidate, released.alias = released.register("second")
    released.broken.add(candidate.digest)
    [note] = reconcile(released.parts).notes
    assert "moved back" in note and "the model answered 500" in note
    assert released.agree() and released.alias == 1


def test_moved_to_a_version_of_something_else_is_moved_back(released):
    released.alias = 9
    [note] = reconcile(released.parts).notes
    assert note.endswith("version 9 was not registered from a candidate")
    assert released.agree()


def test_a_removed_alias_is_put_back(released):
    released.alias = None
    [note] = reconcile(released.parts).notes
    assert note.startswith("alias removed by hand: moved back: only a release")
    assert released.agree()


def test_an_alias_set_before_any_release_is_judged_alike(world):
    _, world.alias = world.register("first", gates=False)
    reconcile(world.parts)
    assert world.alias is None and world.log.committed() is None
    _, world.alias = world.register("second")
    reconcile(world.parts)
    assert world.agree() and world.log.committed().version == 2


def test_moved_twice_before_anyone_looked_counts_as_moved_to_the_last(released, crash):
    _, released.alias = released.register("second", gates=False)
    released.points, released.die_at = 0, 3  # dies with `alias_moved` written and nothing done about it
    with pytest.raises(crash):
        reconcile(released.parts)
    released.die_at = None
    _, released.alias = released.register("third")
    reconcile(released.parts)
    assert released.agree() and released.alias == 3


def test_a_registry_out_of_reach_leaves_everything_as_it_is(released, monkeypatch):
    def away(app):
        raise StackError("MLflow does not answer; lifecycle up")

    monkeypatch.setattr(released, "champion_version", away)
    with pytest.raises(StackError):
        reconcile(released.parts)
    assert kinds(released) == []


def test_an_altered_log_moves_nothing(released):
    released.log.path.write_bytes(released.log.path.read_bytes().replace(b"loop", b"lo0p"))
    _, released.alias = released.register("second")
    with pytest.raises(ReleaseError, match="entry 1 was altered"):
        reconcile(released.parts)
    assert released.alias == 2
