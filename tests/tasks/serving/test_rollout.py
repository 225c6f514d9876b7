"""A rollout through a real server: who answers whom, what the judge does about it, and what is left when it dies."""

import os
import time
from dataclasses import replace

import pytest

from configs.errors import ReleaseError
from tasks.alerting.outbox import open_outbox
from tasks.candidate import Prompt, TemplateMessage
from tasks.releasing.promote import promote
from tasks.rollout import report
from tasks.rollout.judge import Judge
from tasks.rollout.placing import is_drawn, person_of
from tasks.rollout.stages import open_rollout, rollout_of, step
from tasks.serving import champion
from tasks.serving.asking import RECORD, WAIT
from tasks.serving.record import record_store

ROLLOUT = """
release:
  rollout:
    shares: [0.5]
    answers: 5
    confidence: 0.8
    metrics: [{metric: error_rate, margin: 0.3}]
    watch_minutes: 0
"""


class Nobody:
    """In the place of the process beside the endpoint: these tests judge themselves."""

    def __init__(self, *_):
        pass

    def start(self):
        pass

    def stop(self):
        pass


@pytest.fixture
def tried(make_shop, app_text, monkeypatch):
    """A shop whose champion answers `old: …`, and a judge that looks when it is told to."""
    monkeypatch.setattr("tasks.serving.server.Beside", Nobody)

    def begin(name="new", first="canary", app=ROLLOUT, **changes):
        shop = make_shop(app_text + app)
        shop.release("old")
        candidate, version = shop.candidate(name, **changes)
        share = {"share": 0.5} if first == "canary" else {}
        shop.new = candidate
        shop.old = shop.log.committed().candidate
        shop.rollout = open_rollout(
            shop.parts,
            first,
            release="rel",
            candidate=candidate.digest,
            version=version,
            verdicts=shop.passed(candidate),
            evidence=share,
            who="minji",
            why="better",
        )
        shop.judge = Judge(shop.loaded, record_store("shop"), shop.log, lambda _: shop.parts, lambda app: app)
        return shop

    yield begin


def ask(shop, user):
    """Returns digest and text of who answered a user, None where nobody could."""
    from openai import APIStatusError

    try:
        raw = shop.client().chat.completions.with_raw_response.create(
            model="shop",
            messages=[{"role": "user", "content": "Is it waterproof?"}],
            user=user,
            extra_headers={RECORD: WAIT},
        )
    except APIStatusError as error:
        return error.response.headers["x-lifecycle-candidate"], None
    return raw.headers["x-lifecycle-candidate"], raw.parse().choices[0].message.content


def asked_until_over(shop):
    for n in range(100):
        ask(shop, f"user {n}")
        shop.judge.look()
        if rollout_of(shop.log.entries()) is None:
            return
    raise AssertionError("the rollout did not end")


def drawn(shop, user):
    return is_drawn(shop.rollout.release, person_of(user, ""), 0.5)


def refused(*_, **__):
    raise ReleaseError("the disk is full")


def alerted(title):
    """Returns whether an alert whose title ends so is open."""
    with open_outbox("shop") as outbox:
        return any(each.title.endswith(title) and each.recovered is None for each in outbox.alerts(10))


def on_trial(shop, stage="canary"):
    shop.judge.look()
    return shop.health.get("rollout", {}).get("stage") == stage


def test_a_user_stays_on_one_side_and_half_of_them_meet_the_candidate(tried):
    shop = tried()
    with shop.open():
        shop.wait_until(lambda: on_trial(shop))
        sides = {f"user {n}": {ask(shop, f"user {n}")[0] for _ in range(2)} for n in range(12)}
    assert all(len(side) == 1 for side in sides.values())
    assert {user: side == {shop.new.digest} for user, side in sides.items()} == {u: drawn(shop, u) for u in sides}
    assert {each.placed.arm for each in shop.served} == {"champion", "canary"}
    assert all(each.placed.person not in ("", "user 1") and each.placed.share == 0.5 for each in shop.served)


def test_good_answers_promote_it_and_log_alias_and_endpoint_agree(tried):
    shop = tried()
    with shop.open():
        shop.wait_until(lambda: on_trial(shop))
        asked = 0
        while shop.log.committed().candidate != shop.new.digest:
            ask(shop, f"user {asked}")
            asked += 1
            shop.judge.look()
            assert asked < 200
        assert shop.health["champion"]["candidate"] == shop.new.digest
        assert shop.registry.alias == shop.log.committed().version
        assert rollout_of(shop.log.entries()).stage == "watch"
        shop.wait_until(lambda: on_trial(shop, "watch"))
        for n in range(6):
            assert ask(shop, f"user {n}")[0] == shop.new.digest
        shop.judge.look()
    stages = [entry.stage or entry.kind for entry in shop.log.entries()]
    assert stages[-5:] == ["canary", "intent", "commit", "watch", "settled"]


def test_a_candidate_whose_prompt_names_what_no_client_sends_is_taken_away(tried):
    message = TemplateMessage(role="user", template="{{ question }} in {{ locale }}")
    shop = tried("localized", prompt=Prompt(name="localized", messages=(message,)))
    with shop.open():
        shop.wait_until(lambda: on_trial(shop))
        asked_until_over(shop)
    last = shop.log.entries()[-1]
    assert (last.stage, last.why) == ("ended", "error_rate is certainly worse than the champion's")


def test_a_candidate_that_fails_is_taken_away(tried):
    shop = tried("FAIL")
    with shop.open():
        shop.wait_until(lambda: on_trial(shop))
        failed = 0
        for n in range(100):
            failed += ask(shop, f"user {n}")[1] is None
            shop.judge.look()
            if rollout_of(shop.log.entries()) is None:
                break
        shop.wait_until(lambda: "rollout" not in shop.health)
        assert all(ask(shop, f"user {n}")[0] == shop.old for n in range(12))
    last = shop.log.entries()[-1]
    assert (last.stage, last.why) == ("ended", "error_rate is certainly worse than the champion's")
    assert 0 < failed < 30
    assert report.read_report("shop", "rel").what == "end"


def test_without_a_judge_nobody_meets_the_candidate(tried, monkeypatch):
    shop = tried()
    with shop.open():
        shop.wait_until(lambda: on_trial(shop))
        old = time.time() - report.ALIVE_FOR_S - 1
        os.utime(shop.log.path.with_suffix(".judged"), (old, old))
        shop.wait_until(lambda: "rollout" not in shop.health)
        assert all(ask(shop, f"user {n}")[0] == shop.old for n in range(8))
        shop.wait_until(lambda: on_trial(shop))  # a judge that comes back goes on
    assert {each.placed for each in shop.served} == {None}


@pytest.mark.parametrize("stage", ["canary", "approved"])
def test_a_rollout_that_nobody_judges_is_a_problem_until_somebody_does(tried, monkeypatch, stage):
    monkeypatch.setattr(champion, "_JUDGE_STARTS_WITHIN_S", 0.0)
    shop = tried(first="canary" if stage == "canary" else "proposed")
    with shop.open():
        if stage == "approved":
            shop.wait_until(lambda: "champion" in shop.health)
            assert "problems" not in shop.health, "a person is waited for, and no judge"
            step(shop.log, shop.rollout, "approved", who="minji", why="fine")
        said = f"shop: the rollout stands still at `{stage}`: its judge, the process beside the endpoint, has given no"
        shop.wait_until(lambda: shop.health.get("problems", [""])[0].startswith(said))
        shop.wait_until(lambda: alerted("rollout stands still, the champion answers"))
        shop.wait_until(lambda: on_trial(shop))
        assert "problems" not in shop.health


def test_a_judge_that_cannot_do_what_it_decides_gives_no_sign_of_life(tried, monkeypatch):
    shop = tried("FAIL")
    with shop.open():
        shop.wait_until(lambda: on_trial(shop))
        sign = shop.log.path.with_suffix(".judged")
        sign.unlink()
        monkeypatch.setattr("tasks.rollout.judge.step", refused)
        with pytest.raises(ReleaseError, match="the disk is full"):
            for n in range(100):
                ask(shop, f"user {n}")
                sign.unlink(missing_ok=True)
                shop.judge.look()
        shop.wait_until(lambda: "rollout" not in shop.health)
        assert not sign.exists()


def test_a_report_that_cannot_be_written_holds_no_step_up(tried, monkeypatch):
    shop = tried("FAIL")
    monkeypatch.setattr("tasks.rollout.judge.write_report", refused)
    with shop.open():
        shop.wait_until(lambda: on_trial(shop))
        asked_until_over(shop)
    assert shop.log.entries()[-1].stage == "ended"


def test_rules_that_were_written_after_the_judge_began_to_live_are_those_it_judges_by(tried):
    shop = tried()
    written = shop.loaded
    without = written.app.model_copy(update={"release": written.app.release.model_copy(update={"rollout": None})})
    shop.judge = Judge(
        replace(written, app=without), record_store("shop"), shop.log, lambda _: shop.parts, lambda _: written
    )
    shop.judge.look()
    assert rollout_of(shop.log.entries()).stage == "canary"


def test_a_candidate_that_fails_is_taken_away_though_nobody_knows_what_is_dear(tried):
    priced = ROLLOUT.replace("metrics: [", "metrics: [{metric: price, margin: 0.05}, ")
    shop = tried("FAIL", app=priced)
    with shop.open():
        shop.wait_until(lambda: on_trial(shop))
        asked_until_over(shop)
    assert shop.log.entries()[-1].why == "error_rate is certainly worse than the champion's"


def test_people_are_told_apart_by_what_they_said_first_not_by_what_their_app_says(tried):
    shop = tried()
    with shop.open():
        shop.wait_until(lambda: on_trial(shop))
        for n in range(12):
            messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": f"Question {n}?"}]
            shop.client().chat.completions.create(model="shop", messages=messages)
    assert len({each.placed.person for each in shop.served}) == 12


def test_copies_reach_nobody(tried):
    shop = tried(first="shadow", app=ROLLOUT.replace("rollout:", "rollout:\n    shadow: 3"))
    with shop.open():
        shop.wait_until(lambda: on_trial(shop, "shadow"))
        for n in range(4):
            assert ask(shop, f"user {n}") == (shop.old, "old: Is it waterproof?")

        def copied():
            shop.judge.look()
            return rollout_of(shop.log.entries()).stage == "canary"

        shop.wait_until(copied)
    assert {each.candidate for each in shop.served} == {shop.old}, "a window of users' requests has no copies"
    with record_store("shop") as store:
        answers = [each for _, each in store.placed("rel", 0, 100)]
    copies = [each for each in answers if each.placed.arm == "shadow"]
    assert {each.answer.text for each in copies} == {"new: Is it waterproof?"}
    assert {each.id.removesuffix("-copy") for each in copies} <= {each.id for each in answers}


def test_either_side_is_asked_by_name(tried):
    shop = tried()
    with shop.open():
        shop.wait_until(lambda: on_trial(shop))
        names = [model.id for model in shop.client().models.list()]
        answers = [
            shop.client()
            .chat.completions.create(model=name, messages=[{"role": "user", "content": "Is it waterproof?"}])
            .choices[0]
            .message.content
            for name in ("shop@champion", "shop@candidate")
        ]
    assert names == ["shop", "shop@champion", "shop@candidate"]
    assert answers == ["old: Is it waterproof?", "new: Is it waterproof?"]
    assert {each.placed for each in shop.served} == {None}, "who was asked by name was not drawn"


def test_a_candidate_that_cannot_be_made_ready_is_given_up(tried, monkeypatch):
    monkeypatch.setattr(champion, "_GIVE_UP_AFTER_S", 0.0)
    shop = tried(endpoint_model="another model than the one that is configured")
    with shop.open():
        shop.wait_until(lambda: rollout_of(shop.log.entries()) is None)
        assert ask(shop, "user 1")[0] == shop.old
        shop.wait_until(lambda: alerted(f"rollout of candidate {shop.new.digest[:8]} ended by itself"))
    last = shop.log.entries()[-1]
    assert (last.who, last.stage) == ("endpoint", "ended")
    assert last.why.startswith("the candidate cannot be served: ")


def test_a_bad_one_that_was_promoted_goes_back(tried):
    shop = tried()
    with shop.open():
        shop.wait_until(lambda: on_trial(shop))
        for n in range(40):
            ask(shop, f"user {n}")
        while shop.log.committed().candidate != shop.new.digest:
            ask(shop, f"user {time.monotonic()}")
            shop.judge.look()
        shop.wait_until(lambda: on_trial(shop, "watch"))
        for n in range(60):
            fails = [{"role": "user", "content": "FAIL"}]
            with pytest.raises(Exception, match="could not answer"):
                shop.client().chat.completions.create(model="shop", messages=fails, user=f"late {n}")
            shop.judge.look()
            if shop.log.committed().candidate == shop.old:
                break
        assert shop.health["champion"]["candidate"] == shop.old
        shop.wait_until(lambda: alerted(f"rollout of candidate {shop.new.digest[:8]} was rolled back"))
    assert shop.registry.alias == shop.log.committed().version
    last = shop.log.entries()[-1]
    assert (last.stage, last.why) == ("ended", "error_rate is certainly worse than the champion's before it")


def test_another_champion_ends_it(tried):
    shop = tried()
    with shop.open():
        shop.wait_until(lambda: on_trial(shop))
        made, version = shop.candidate("third")
        promote(made, version, parts=shop.parts, verdicts=shop.passed(made), who="minji", why="by hand")
        shop.judge.look()
    last = shop.log.entries()[-1]
    assert (last.stage, last.why) == ("ended", "another one is champion now")


def test_a_judge_that_was_killed_is_followed_by_one_that_knows_as_much(tried):
    shop = tried()
    with shop.open():
        shop.wait_until(lambda: on_trial(shop))
        for n in range(10):
            ask(shop, f"user {n}")
        assert len(shop.served) == 10  # all of them are on the disk
        shop.judge.look()
        before = report.read_report("shop", "rel")
        again = Judge(shop.loaded, record_store("shop"), shop.log, lambda _: shop.parts, lambda app: app)
        again.look()
        after = report.read_report("shop", "rel")
    assert [row.new for row in after.rows] >= [row.new for row in before.rows]
    assert sum(row.new + row.old for row in after.rows) == 10


def test_a_step_by_hand_ends_it(tried):
    shop = tried()
    step(shop.log, shop.rollout, "ended", who="minji", why="enough")
    shop.judge.look()
    assert rollout_of(shop.log.entries()) is None
