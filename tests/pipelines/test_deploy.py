"""What both gates did not pass reaches nobody, and what waits for a person goes on by what the form says."""

import asyncio
import importlib.util
from pathlib import Path

import pytest

import pipelines.deploy
from configs.errors import ReleaseError
from tasks.gating.terms import terms_of
from tasks.gating.verdict import Decision, Verdict
from tasks.orchestrating.approving import Approval
from tasks.rollout.stages import rollout_of
from tasks.workspace import open_workspace

_serving = Path(__file__).parents[1] / "tasks" / "serving" / "conftest.py"
_spec = importlib.util.spec_from_file_location("deployed_shop", _serving)
_module = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_module)

upstream, make_shop = _module.upstream, _module.make_shop

ROLLOUT = "release: {rollout: {shares: [0.5]}}\n"
APPROVAL = "release: {approval: true, rollout: {shares: [0.5]}}\n"


class Deploying:
    """A shop with a champion and a candidate, whoever judges the candidate, and `deploy`."""

    def __init__(self, shop):
        self.shop, self.registered = shop, []
        self.champion = shop.release("old").entry.candidate
        candidate, self.version = shop.candidate("new")
        self.candidate = candidate.digest

    def decide(self, gate, decision=Decision.PASS, **changes):
        with open_workspace(str(self.shop.loaded.folder)) as workspace:
            terms = terms_of(getattr(workspace.loaded.app.gates, gate), workspace.scorers)
            facts = {"gate": gate, "decision": decision, "candidate": self.candidate, "champion": self.champion}
            verdict = Verdict(**({**facts, "evaluations": (), "rules": (), "terms": terms} | changes))
            workspace.store.save_verdict(verdict)

    def run(self, **parameters):
        app = str(self.shop.loaded.folder)
        return asyncio.run(pipelines.deploy.deploy.fn(app=app, **{"candidate": self.candidate, **parameters}))

    def register(self, *_):
        self.registered.append(self.candidate)
        return self.version

    @property
    def last(self):
        return self.shop.log.entries()[-1]


@pytest.fixture
def deploying(make_shop, monkeypatch):
    """Makes a shop that releases as its configuration says; its endpoint counts as running."""

    def make(release):
        made = Deploying(make_shop(_module.APP + release))

        async def run(name, work):
            return await work()

        async def nothing(*_):
            pass

        replaced = {"name_candidate": nothing, "markdown": nothing, "step": run, "register_candidate": made.register}
        for name, by in replaced.items():
            monkeypatch.setattr(pipelines.deploy, name, by)
        for module in ("rollout.opening", "releasing.release"):
            monkeypatch.setattr(f"tasks.{module}.parts_of", lambda _: made.shop.parts)
        monkeypatch.setattr("tasks.releasing.endpoint.served_apps", lambda: ("shop",))
        return made

    return make


@pytest.fixture
def answered(deploying, monkeypatch):
    """Deploys a candidate that passed its gates, and answers the form of the run that waits for a person."""

    def answer(**said):
        async def approval(*_):
            return Approval.model_validate(said)

        monkeypatch.setattr(pipelines.deploy, "can_wait", lambda: True)
        monkeypatch.setattr(pipelines.deploy, "approval", approval)
        made = deploying(APPROVAL)
        made.decide("sample")
        made.decide("release")
        return made, made.run()

    return answer


@pytest.mark.parametrize("release", [ROLLOUT, APPROVAL], ids=["rollout", "approval"])
@pytest.mark.parametrize(
    ("verdicts", "message"),
    [
        ({}, "the sample gate has not decided on it"),
        ({"sample": {}}, "the release gate has not decided on it"),
        ({"sample": {}, "release": {"decision": Decision.FAIL}}, "the release gate says FAIL"),
        ({"sample": {"decision": Decision.INCONCLUSIVE}, "release": {}}, "the sample gate says INCONCLUSIVE"),
        ({"sample": {}, "release": {"terms": "rules of last week"}}, "the release gate has not decided on it"),
        ({"sample": {}, "release": {"champion": "an earlier one"}}, "the release gate has not decided on it"),
        ({"sample": {}, "release": {"candidate": "another one"}}, "the release gate has not decided on it"),
    ],
    ids=["none", "one missing", "failed", "open", "other rules", "other champion", "other candidate"],
)
def test_what_both_gates_have_not_passed_as_they_are_now_begins_no_rollout(deploying, release, verdicts, message):
    made = deploying(release)
    for gate, changes in verdicts.items():
        made.decide(gate, **changes)
    before = made.shop.log.entries()
    with pytest.raises(ReleaseError, match=f"{made.candidate[:8]} may not be released: {message}"):
        made.run()
    assert made.shop.log.entries() == before and rollout_of(before) is None
    assert not made.registered


def test_what_passed_beside_a_champion_that_was_replaced_begins_no_rollout(deploying):
    made = deploying(ROLLOUT)
    made.decide("sample")
    made.decide("release")
    committed = made.shop.log.committed()
    newer, version = made.shop.candidate("newer")
    facts = {"release": "r", "candidate": newer.digest, "version": version, "who": "minji", "why": "better"}
    made.shop.log.append("commit", action="promote", previous_candidate=committed.candidate, **facts)
    before = made.shop.log.entries()
    with pytest.raises(
        ReleaseError, match=f"it was compared with {made.champion[:8]}, but {newer.digest[:8]} is champ"
    ):
        made.run(against=made.champion)
    assert made.shop.log.entries() == before and not made.registered


def test_bootstrap_passes_by_no_gate_once_there_is_a_champion(deploying):
    made = deploying(ROLLOUT)
    before = made.shop.log.entries()
    with pytest.raises(ReleaseError, match="may not be released as bootstrap: version 1 is champion; pass both gates"):
        made.run(bootstrap=True)
    assert made.shop.log.entries() == before


def test_what_both_gates_passed_meets_users(deploying):
    made = deploying(ROLLOUT)
    made.decide("sample")
    made.decide("release")
    assert made.run().stage == "on trial"
    assert (made.last.stage, made.last.candidate, len(made.last.verdicts)) == ("canary", made.candidate, 2)


def test_a_form_whose_switch_is_left_off_declines_with_who_and_why(answered):
    made, done = answered(who="minji", why="not on a Friday")
    assert done.stage == "declined"
    assert (made.last.stage, made.last.who, made.last.why) == ("declined", "minji (Prefect UI)", "not on a Friday")
    assert rollout_of(made.shop.log.entries()) is None
    assert made.shop.log.committed().candidate == made.champion


def test_a_form_that_approves_is_logged_with_who_and_why(answered):
    made, done = answered(approve=True, who="minji", why="I read the rows")
    assert done.stage == "on trial"
    assert (made.last.stage, made.last.who, made.last.why) == ("approved", "minji (Prefect UI)", "I read the rows")
