"""Deploy: a candidate that passed its gates becomes champion: at once, or after a person agreed and users met it."""

import asyncio
from typing import Any, Literal

from prefect import flow

from configs.errors import ReleaseError
from configs.schema.base import Frozen
from pipelines.parameters import App, CandidateName, Changes, Data
from pipelines.run_names import run_name
from tasks.candidate import Candidate
from tasks.choosing import chosen
from tasks.decided import decided
from tasks.gating.verdict import Decision, Verdict
from tasks.orchestrating.approving import approval, ask_in_ui, can_wait
from tasks.orchestrating.artifacts import artifact_key, markdown
from tasks.orchestrating.naming import name_candidate
from tasks.orchestrating.step import step
from tasks.progress import say
from tasks.releasing.entry import Entry
from tasks.releasing.log import release_log
from tasks.releasing.page import release_page
from tasks.releasing.promote import Promotion
from tasks.releasing.release import release
from tasks.rollout.opening import approve, begin_rollout, decline, released_before
from tasks.rollout.stages import Rollout, rollout_of
from tasks.tracking.models import register_candidate
from tasks.workspace import Workspace, open_workspace

_GATES: tuple[tuple[Literal["sample", "release"], Data], ...] = (("sample", "sample"), ("release", "full"))

Stage = Literal["released", "proposed", "declined", "on trial"]


class Deployed(Frozen):
    """What `deploy` released."""

    app: str
    candidate: str
    label: str
    version: int
    release: str
    bootstrap: bool
    entry: int
    """Number of the release's last entry in the release log."""
    stage: Stage
    """Where the release stands: done, waiting for a person, declined by one, or on its way to the users."""
    serving: dict[str, int]
    """Calls of the smoke test."""


@flow(name="deploy", flow_run_name=run_name("deploy", "candidate"))
async def deploy(
    app: App = "outfitter",
    candidate: CandidateName = "latest",
    against: CandidateName = "champion",
    bootstrap: bool = False,
    why: str = "its gates passed",
    changes: Changes = [],  # noqa: B006 a form's default
) -> Deployed:
    """Registers a candidate as a model version, and releases it by the app's rules.

    A candidate needs PASS at both gates; only an app's very first release may go without, as bootstrap. Where
    `release.approval` asks for it, a person agrees in this run's form. Where `release.rollout` is set, copies and then
    a growing share of the users go to the candidate; the judge beside the endpoint promotes it or ends that, whether
    or not this run is still there. Without one the alias moves at once. A release that has been committed before is not
    done again.

    Args:
        app: Name or path of the app.
        candidate: The latest candidate, the exploration's best, or a candidate's digest.
        against: The champion that the gates compared it with.
        bootstrap: Release without gates; allowed only while there is no champion.
        why: The reason, for the release log.
        changes: Changes of the configuration for this run only, as key=value.
    """
    with open_workspace(app, tuple(changes)) as workspace:
        released = chosen(workspace, candidate)
        await name_candidate(released.digest)
        verdicts = () if bootstrap else evidence(workspace, released, against)
        version = await step("register the model version", lambda: _registered(workspace, released, verdicts))
        waits = _waits(workspace, released)
        if bootstrap or not (workspace.loaded.app.release.by_stages or waits):
            return await _released(workspace, released, version, verdicts, why, bootstrap)
        if before := await asyncio.to_thread(released_before, workspace, released, version, verdicts):
            return await _deployed(workspace, released, before)
        rollout = await step(
            f"begin the rollout · {released.label}",
            lambda: asyncio.to_thread(begin_rollout, workspace, released, version, verdicts, why),
        )
        if rollout.stage == "approved" and workspace.loaded.app.release.rollout is None:
            return await _approved(workspace, released, rollout, rollout.latest.who, rollout.latest.why)
        if rollout.stage == "proposed":
            asked = {"app": app, "candidate": released.digest, "against": against, "why": why, "changes": changes}
            return await _asked(workspace, released, rollout, asked)
        return await _under_way(workspace, released, rollout.latest)


def _waits(workspace: Workspace, candidate: Candidate) -> bool:
    """Returns whether a person has been asked about a candidate; the answer counts, whatever `release` says by then."""
    rollout = rollout_of(release_log(workspace.name).entries())
    return rollout is not None and (rollout.stage, rollout.candidate) == ("proposed", candidate.digest)


async def _released(
    workspace: Workspace,
    candidate: Candidate,
    version: int,
    verdicts: tuple[Verdict, ...],
    why: str,
    bootstrap: bool,
) -> Deployed:
    done = await step(
        f"release · {candidate.label}",
        lambda: release(workspace, candidate, version, verdicts, why=why, bootstrap=bootstrap),
    )
    return await _deployed(workspace, candidate, done)


async def _asked(workspace: Workspace, candidate: Candidate, rollout: Rollout, parameters: dict[str, Any]) -> Deployed:
    """Waits for a person's word; a run that cannot wait hands over to one that can."""
    name = workspace.name
    if not can_wait():
        by_hand = f"`lifecycle rollout approve --app {name} --why REASON`"
        run = await ask_in_ui(name, parameters)
        say(f"{candidate.label} waits for approval: {f'run {run} in the Prefect UI, or ' if run else ''}{by_hand}")
        return _summary(workspace, candidate, rollout.latest, "proposed")
    said = await approval(release_page(workspace, rollout.opened), rollout.release, parameters)
    who = f"{said.who} (Prefect UI)"
    if not said.approve:
        declined = await asyncio.to_thread(decline, workspace.loaded, rollout, who=who, why=said.why)
        return _summary(workspace, candidate, declined, "declined")
    return await _approved(workspace, candidate, rollout, who, said.why)


async def _approved(workspace: Workspace, candidate: Candidate, rollout: Rollout, who: str, why: str) -> Deployed:
    entry = await step(
        "begin the rollout · approved",
        lambda: asyncio.to_thread(approve, workspace.loaded, rollout, who=who, why=why),
    )
    if entry.kind == "commit":
        return await _deployed(workspace, candidate, Promotion(entry, made=True))
    return await _under_way(workspace, candidate, entry)


async def _deployed(workspace: Workspace, candidate: Candidate, done: Promotion) -> Deployed:
    if done.note:
        say(done.note)
    await _publish(workspace, done.entry)
    return _summary(workspace, candidate, done.entry, "released", done.calls)


async def _under_way(workspace: Workspace, candidate: Candidate, entry: Entry) -> Deployed:
    say(f"{candidate.label} is on trial: `lifecycle rollout follow --app {workspace.name}`")
    await _publish(workspace, entry)
    return _summary(workspace, candidate, entry, "on trial")


async def _publish(workspace: Workspace, entry: Entry) -> None:
    page = release_page(workspace, entry)
    await markdown(artifact_key(workspace.name, "release"), page, f"Release {entry.sequence} of {workspace.name}")


def _summary(
    workspace: Workspace,
    candidate: Candidate,
    entry: Entry,
    stage: Stage,
    calls: int = 0,
) -> Deployed:
    return Deployed(
        app=workspace.name,
        candidate=candidate.digest,
        label=candidate.label,
        version=entry.version,
        release=entry.release,
        bootstrap=entry.bootstrap,
        entry=entry.sequence,
        stage=stage,
        serving={"smoke": calls},
    )


def evidence(workspace: Workspace, candidate: Candidate, against: str) -> tuple[Verdict, ...]:
    """Returns both gates' verdicts, which allow the release.

    Raises:
        ReleaseError: a gate has not decided on the candidate beside this champion, or has not passed it; or another
            one has become champion since, which the candidate was never compared with.
    """
    champion = chosen(workspace, against).digest
    _check_current(workspace, candidate, champion)
    verdicts = []
    for gate, data in _GATES:
        verdict = decided(workspace, gate, candidate.digest, champion)
        if verdict is None or verdict.decision is not Decision.PASS:
            said = f"says {verdict.short}" if verdict else "has not decided on it"
            raise ReleaseError(
                f"candidate {candidate.digest[:8]} may not be released: the {gate} gate {said}; see `lifecycle run "
                f"evaluate --app {workspace.name} --set candidate={candidate.digest[:8]} --set data={data}`"
            )
        verdicts.append(verdict)
    return tuple(verdicts)


def _check_current(workspace: Workspace, candidate: Candidate, champion: str) -> None:
    """A candidate that was released before may be released again by whoever repeats a command: that changes nothing."""
    commits = [entry for entry in release_log(workspace.name).entries() if entry.kind == "commit"]
    if commits and commits[-1].candidate != champion and candidate.digest not in {each.candidate for each in commits}:
        raise ReleaseError(
            f"candidate {candidate.digest[:8]} may not be released: it was compared with {champion[:8]}, but "
            f"{commits[-1].candidate[:8]} is champion now; evaluate it beside that one, or run the loop with --fresh"
        )


async def _registered(workspace: Workspace, candidate: Candidate, verdicts: tuple[Verdict, ...]) -> int:
    return register_candidate(workspace, candidate, verdicts)
