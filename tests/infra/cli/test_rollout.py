"""`lifecycle rollout`, typed."""

import pytest
from typer.testing import CliRunner

from infra.cli.init import write_app
from infra.cli.main import app as command
from tasks.releasing.log import release_log
from tasks.rollout.stages import rollout_of

FACTS = {
    "action": "promote",
    "release": "rel",
    "candidate": "new-candidate",
    "version": 2,
    "previous_candidate": "old-candidate",
    "previous_version": 1,
    "who": "minji",
    "why": "its gates passed",
}


@pytest.fixture
def helpdesk(fresh_settings):
    """An app that releases by stages, and its release log."""
    folder = write_app("helpdesk", fresh_settings.home.parent / "helpdesk")
    with (folder / "app.yaml").open("a", encoding="utf-8") as file:
        file.write("\nrelease: {approval: true, rollout: {shares: [0.2]}}\n")
    return folder, release_log("helpdesk")


def typed(*arguments):
    done = CliRunner().invoke(command, ["rollout", *map(str, arguments)])
    return done.exit_code, done.output, done.exception


def test_without_a_rollout_there_is_nothing_to_show_or_end(helpdesk):
    folder, _ = helpdesk
    assert "nothing has been released by stages" in typed("show", "--app", folder)[1]
    for name, *why in (("end",), ("approve", "--why", "fine"), ("decline", "--why", "bad"), ("follow",)):
        status, _, error = typed(name, "--app", folder, *why)
        assert status == 1 and "no rollout is under way; `lifecycle run deploy` begins one" in str(error)


def test_the_steps_are_shown_with_who_and_why(helpdesk):
    folder, log = helpdesk
    log.append("stage", stage="proposed", **FACTS)
    log.append("stage", stage="canary", evidence={"share": 0.2}, **{**FACTS, "who": "rollout", "why": "fine so far"})
    _, said, _ = typed("show", "--app", folder)
    assert "proposed  minji: its gates passed" in said
    assert "canary 20%  rollout: fine so far" in said


def test_a_release_is_declined_with_a_reason(helpdesk):
    folder, log = helpdesk
    log.append("stage", stage="proposed", **FACTS)
    assert typed("decline", "--app", folder, "--why", "not on a Friday")[0] == 0
    assert (log.entries()[-1].stage, log.entries()[-1].why) == ("declined", "not on a Friday")
    assert rollout_of(log.entries()) is None


@pytest.mark.parametrize("word", ["approve", "decline"])
def test_nobody_approves_or_declines_without_a_reason(helpdesk, word):
    folder, log = helpdesk
    log.append("stage", stage="proposed", **FACTS)
    status, said, _ = typed(word, "--app", folder)
    assert status == 2 and "--why" in said
    status, _, error = typed(word, "--app", folder, "--why", "  ")
    assert status == 1 and "helpdesk: a person's word on a release needs a name and a reason" in str(error)
    assert log.entries()[-1].stage == "proposed"


def test_nobody_approves_what_no_endpoint_would_serve(helpdesk):
    folder, log = helpdesk
    log.append("stage", stage="proposed", **FACTS)
    status, _, error = typed("approve", "--app", folder, "--why", "fine")
    assert status == 1 and "a rollout needs the app's endpoint, which is not up" in str(error)
    assert log.entries()[-1].stage == "proposed"


def test_what_is_on_trial_is_ended_and_not_approved(helpdesk):
    folder, log = helpdesk
    log.append("stage", stage="canary", evidence={"share": 0.2}, **FACTS)
    status, _, error = typed("approve", "--app", folder, "--why", "fine")
    assert status == 1 and "nothing waits for approval: the rollout is at `canary`" in str(error)
    assert typed("end", "--app", folder, "--why", "enough seen")[0] == 0
    assert (log.entries()[-1].stage, log.entries()[-1].why) == ("ended", "enough seen")
