"""Deploy: a candidate that passed its gates becomes the champion that the endpoint serves."""

from prefect import flow

from configs.errors import ReleaseError
from configs.schema.base import Frozen
from pipelines.parameters import App, CandidateName, Changes
from tasks.candidate import Candidate
from tasks.choosing import chosen
from tasks.gating.verdict import Decision, Verdict
from tasks.orchestrating.artifacts import artifact_key, markdown
from tasks.orchestrating.step import step
from tasks.releasing.entry import Entry
from tasks.releasing.log import ReleaseLog, release_log
from tasks.releasing.page import release_page
from tasks.releasing.promote import promote
from tasks.tracking.models import register_candidate
from tasks.workspace import Workspace, open_workspace


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


@flow(name="deploy", flow_run_name="deploy · {app} · {candidate}")
async def deploy(
    app: App = "outfitter",
    candidate: CandidateName = "latest",
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
        bootstrap: Release without gates; allowed only while there is no champion.
        why: The reason, for the release log.
        changes: Changes of the configuration for this run only, as key=value.
    """
    with open_workspace(app, tuple(changes)) as workspace:
        released = chosen(workspace, candidate)
        verdicts = evidence(workspace, released, bootstrap=bootstrap)
        version = await step("register the model version", lambda: _registered(workspace, released, verdicts))
        entry = await step(
            f"release · {released.label}",
            lambda: promote(workspace, released, version, verdicts, why=why, bootstrap=bootstrap),
        )
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
            serving={"smoke": 1},
        )


def evidence(workspace: Workspace, candidate: Candidate, *, bootstrap: bool) -> tuple[Verdict, ...]:
    """Returns the verdicts that allow a release.

    Raises:
        ReleaseError: a gate has not passed, or a bootstrap is asked for beside a champion.
    """
    verdicts = workspace.store.verdicts(candidate.digest)
    if bootstrap:
        committed = release_log(workspace.name).committed()
        if committed and committed.candidate != candidate.digest:
            raise ReleaseError(
                f"app {workspace.name} has a champion already ({committed.candidate[:8]}): only the first release may "
                f"be a bootstrap; run evaluate on sample and full data, then deploy without it"
            )
        return ()
    needed = ["sample"] + (["release"] if workspace.loaded.app.datasets.full else [])
    passed = {gate: [v for v in verdicts if v.gate == gate and v.decision is Decision.PASS] for gate in needed}
    for gate in needed:
        if not passed[gate]:
            data = "sample" if gate == "sample" else "full"
            raise ReleaseError(
                f"candidate {candidate.digest[:8]} has not passed the {gate} gate: run `lifecycle run evaluate --app "
                f"{workspace.name} --set candidate={candidate.digest[:8]} --set data={data}` and read its verdict"
            )
    return tuple(passed[gate][-1] for gate in needed)


async def _registered(workspace: Workspace, candidate: Candidate, verdicts: tuple[Verdict, ...]) -> int:
    return register_candidate(workspace, candidate, verdicts)


__all__ = ["Deployed", "Entry", "deploy", "evidence"]
