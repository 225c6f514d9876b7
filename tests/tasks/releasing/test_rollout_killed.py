"""A judge that dies at any point: whoever takes its place ends with one champion, and with one end of the rollout."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from configs.errors import StackError
from configs.schema.release import Release
from tasks.calling.answer import Answer, Outcome
from tasks.releasing.promote import promote
from tasks.releasing.reconcile import reconcile
from tasks.rollout.ended import ended_by_itself
from tasks.rollout.judge import Judge
from tasks.rollout.placing import Placed
from tasks.rollout.stages import open_rollout, rollout_of
from tasks.serving.record import RecordStore
from tasks.serving.served import Served

RULES = {
    "shares": [0.5],
    "answers": 10,
    "confidence": 0.8,
    "watch_minutes": 0,
    "metrics": [{"metric": "error_rate", "margin": 0.3}],
}

LATER = datetime.now(UTC) + timedelta(hours=1)
"""After the rollout was begun, whenever that was."""


def answered(n, arm, ok=True):
    outcome = Outcome.OK if ok else Outcome.APP_ERROR
    placed = Placed("rel", arm, 1.0 if arm == "watch" else 0.5, f"person {n}")
    return Served(f"r{n}", LATER, arm, 1, "", (), {}, Answer(f"r{n}", outcome), placed=placed)


@pytest.fixture
def tried(new_world, verdicts, tmp_path, monkeypatch):
    monkeypatch.setenv("LIFECYCLE_HOME", str(tmp_path))
    from configs.settings import settings

    settings.cache_clear()
    app = SimpleNamespace(name="shop", release=Release.model_validate({"rollout": RULES}), scorers=(), repeats=1)
    number = iter(range(1000))

    def begin():
        world = new_world()
        world.log.path = tmp_path / f"{next(number)}.jsonl"
        old, version = world.register("old")
        promote(old, version, parts=world.parts, bootstrap=True, who="minji", why="first")
        new, version = world.register("new")
        open_rollout(
            world.parts,
            "canary",
            release="rel",
            candidate=new.digest,
            version=version,
            verdicts=verdicts(new),
            evidence={"share": 0.5},
            who="minji",
            why="better",
        )
        store = RecordStore(tmp_path / f"{next(number)}.db")
        world.old, world.new = old.digest, new.digest
        world.points = 0
        return (
            world,
            store,
            lambda: Judge(SimpleNamespace(app=app), store, world.log, lambda _: world.parts, lambda app: app),
        )

    yield begin
    settings.cache_clear()


def judged(world, judge, looks=4):
    for _ in range(looks):
        judge.look()
        if rollout_of(world.log.entries()) is None:
            return


def killed_at_every_point(tried, crash, answers, after):
    """Yields worlds in which the judge died at one point of its work, one point after the other, and was followed."""
    for point in range(1, 60):
        world, store, new_judge = tried()
        store.add_all(answers)
        world.die_at = point
        try:
            judged(world, new_judge())
            died = False
        except crash:
            died = True
        world.die_at = None
        world.look()
        store.add_all(after)
        reconcile(world.parts)
        judged(world, new_judge())
        world.look()
        yield world
        if not died:
            return
    raise AssertionError("it never got through")


def test_a_promotion_is_made_once_whenever_the_judge_dies(tried, crash):
    good = [answered(n, "canary" if n % 2 else "champion") for n in range(120)]
    watched = [answered(1000 + n, "watch") for n in range(20)]
    for world in killed_at_every_point(tried, crash, good, watched):
        assert world.agree() and world.served == world.new
        assert rollout_of(world.log.entries()) is None
        commits = [entry for entry in world.log.entries() if entry.kind == "commit"]
        assert [entry.candidate for entry in commits] == [world.old, world.new]
        assert world.log.entries()[-1].stage == "settled"


def test_a_bad_one_is_gone_whenever_the_judge_dies(tried, crash):
    bad = [answered(n, "canary" if n % 2 else "champion", ok=not n % 2) for n in range(60)]
    for world in killed_at_every_point(tried, crash, bad, []):
        assert world.agree() and world.served == world.old
        assert world.log.entries()[-1].stage == "ended"


def test_a_rollback_is_made_once_whenever_the_judge_dies(tried, crash):
    good = [answered(n, "canary" if n % 2 else "champion") for n in range(120)]
    failing = [answered(1000 + n, "watch", ok=False) for n in range(60)]
    for world in killed_at_every_point(tried, crash, good + failing, []):
        assert world.agree() and world.served == world.old
        assert rollout_of(world.log.entries()) is None
        assert world.log.entries()[-1].stage == "ended"
        commits = [entry.action for entry in world.log.entries() if entry.kind == "commit"]
        assert commits == ["promote", "promote", "rollback"]


def test_a_promotion_that_fails_ends_the_rollout_and_the_champion_stays(tried):
    world, store, new_judge = tried()
    store.add_all([answered(n, "canary" if n % 2 else "champion") for n in range(120)])
    world.broken.add(world.new)
    with pytest.raises(Exception, match="the model answered 500"):
        judged(world, new_judge())
    world.look()
    assert world.agree() and world.served == world.old
    last = world.log.entries()[-1]
    assert last.stage == "ended" and last.why.startswith("its promotion failed: ")


def test_a_rollback_that_mlflow_holds_up_is_the_judges_problem_until_it_is_made(tried, monkeypatch):
    world, store, new_judge = tried()
    store.add_all([answered(n, "canary" if n % 2 else "champion") for n in range(120)])
    judge = new_judge()
    judge.look()
    assert (world.log.committed().candidate, judge.problem) == (world.new, "")
    store.add_all([answered(1000 + n, "watch", ok=False) for n in range(60)])

    def away(_):
        raise StackError("MLflow does not answer")

    with monkeypatch.context() as patched:
        patched.setattr(world, "champion_version", away)
        with pytest.raises(StackError):
            judge.look()
    assert judge.problem == "MLflow does not answer"
    judge.look()
    assert (world.log.committed().candidate, judge.problem) == (world.old, "")


def test_a_watch_without_answers_ends_unproven_and_its_champion_stays(tried, monkeypatch):
    world, store, new_judge = tried()
    store.add_all([answered(n, "canary" if n % 2 else "champion") for n in range(120)])
    judge = new_judge()
    judge.look()
    judge.look()
    assert rollout_of(world.log.entries()).stage == "watch"
    began = datetime.fromisoformat(world.log.entries()[-1].at)
    monkeypatch.setattr("tasks.rollout.judge._began", lambda *_: began - timedelta(hours=73))
    judge.look()
    last = world.log.entries()[-1]
    assert (last.stage, last.who) == ("ended", "rollout")
    assert last.why.startswith("unproven, and still champion: ") and last.why.endswith(": error_rate (0 of 10)")
    assert ended_by_itself(world.log.entries()).unproven
    assert world.agree() and world.log.committed().candidate == world.new
