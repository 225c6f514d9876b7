"""Deploy: a candidate that passed its gates becomes the champion that the endpoint serves."""

from typing import Literal

from prefect import flow

from configs.errors import ReleaseError
from configs.schema.base import Frozen
from pipelines.parameters import App, CandidateName, Changes, Data
from pipelines.run_names import run_name
from tasks.candidate import Candidate
from tasks.choosing import chosen
from tasks.decided import decided
from tasks.gating.verdict import Decision, Verdict
from tasks.orchestrating.artifacts import artifact_key, markdown
from tasks.orchestrating.naming import name_candidate
from tasks.orchestrating.step import step
from tasks.progress import say
from tasks.releasing.log import release_log
from tasks.releasing.page import release_page
from tasks.releasing.release import release
from tasks.tracking.models import register_candidate
from tasks.workspace import Workspace, open_workspace

_GATES: tuple[tuple[Literal["sample", "release"], Data], ...] = (("sample", "sample"), ("release", "full"))


class Deployed(Frozen):
    """What `deploy` released."""

    app: str
    candidate: str
    label: str
    version: int
    release: str
    bootstrap: bool
    entry: int
    """Number of the committed entry in the release log."""
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
    """Registers a candidate as a model version, logs the intent, moves the alias, tests the endpoint, logs the commit.

    A candidate needs PASS at both gates; only an app's very first release may go without, as bootstrap. A failure
    moves the alias back. A release that has been committed before is not done again.

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
        done = await step(
            f"release · {released.label}",
            lambda: release(workspace, released, version, verdicts, why=why, bootstrap=bootstrap),
        )
        if done.note:
            say(done.note)
        entry = done.entry
        page = release_page(workspace, entry)
        await markdown(artifact_key(workspace.name, "release"), page, f"Release {entry.sequence} of {workspace.name}")
        return Deployed(
            app=workspace.name,
            candidate=released.digest,
            label=released.label,
            version=version,
            release=entry.release,
            bootstrap=bootstrap,
            entry=entry.sequence,
            serving={"smoke": done.calls},
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
