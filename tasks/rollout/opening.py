"""The beginning of a rollout, a person's word on it, and the promotion at its end."""

from typing import TYPE_CHECKING, Any

from configs.errors import ConfigurationError, ReleaseError
from configs.loading import LoadedApp, load_app
from configs.schema.release import Rollout as Rules
from tasks.candidate import Candidate
from tasks.gating.verdict import Verdict
from tasks.releasing.entry import Entry, Stage
from tasks.releasing.log import ReleaseLog, release_log
from tasks.releasing.parts import Parts
from tasks.releasing.promote import Promotion, current_user, promote, release_id
from tasks.releasing.reconcile import reconcile
from tasks.releasing.release import evidence_of, parts_of
from tasks.rollout.measures import measures_of
from tasks.rollout.stages import Rollout, open_rollout, rollout_of, step

if TYPE_CHECKING:
    from tasks.workspace import Workspace

AT_ONCE = "promoted at once"
"""Why a release is settled that has no rollout."""


def released_before(
    workspace: "Workspace", candidate: Candidate, version: int, verdicts: tuple[Verdict, ...]
) -> Promotion | None:
    """Returns the release of a candidate on this evidence, where it was made once; None where it was not.

    One that was killed between the change of the champion and its last step gets that.
    """
    evidence, log = evidence_of(workspace), release_log(workspace.name)
    release = release_id(candidate, verdicts, evidence)
    if not any(entry.kind == "commit" and entry.release == release for entry in log.entries()):
        return None
    if workspace.loaded.app.release.rollout is None:
        _settle(log)
    parts = parts_of(workspace.loaded)
    return promote(
        candidate, version, parts=parts, verdicts=verdicts, evidence=evidence, who=current_user(), why="repeated"
    )


def begin_rollout(
    workspace: "Workspace", candidate: Candidate, version: int, verdicts: tuple[Verdict, ...], why: str
) -> Rollout:
    """Begins the rollout of a candidate that passed its gates: proposed where a person must agree, else at once.

    Raises:
        ConfigurationError: a metric cannot judge a rollout, or its rules are this run's only.
        ReleaseError: a gate has not passed it, another rollout is under way, there is no champion, or the app's
            endpoint does not run.
        StackError: MLflow does not answer.
    """
    loaded, rules = workspace.loaded, workspace.loaded.app.release
    if rules.rollout is not None:
        _check_written(loaded)
        measures_of(loaded, rules.rollout)
        check_served(loaded)
    workspace.store.save_candidate(candidate)
    evidence = evidence_of(workspace)
    release = release_id(candidate, verdicts, evidence)
    first: Stage = "proposed"
    if rules.rollout is not None and not rules.approval:
        first, share = first_step(rules.rollout)
        evidence |= share
    return open_rollout(
        parts_of(loaded),
        first,
        release=release,
        candidate=candidate.digest,
        version=version,
        verdicts=verdicts,
        evidence=evidence,
        who=current_user(),
        why=why,
    )


def first_step(rules: Rules) -> tuple[Stage, dict[str, Any]]:
    """Returns the first step of a rollout that nobody need agree to any more, and its evidence."""
    return ("shadow", {}) if rules.shadow else ("canary", {"share": rules.shares[0]})


def approve(loaded: LoadedApp, rollout: Rollout, *, who: str, why: str) -> Entry:
    """Notes that a person agrees. The judge begins the rollout then; without one, the candidate is promoted here.

    Returns:
        The step, or the promotion's commit.

    Raises:
        ReleaseError: name or reason is empty, nothing waits for approval, the app's endpoint does not run, or the
            promotion failed.
    """
    _check_signed(loaded.app.name, who, why)
    log, rules = release_log(loaded.app.name), loaded.app.release.rollout
    if rules is not None:
        check_served(loaded)
    approved = rollout if rollout.stage == "approved" else _approved(log, rollout, who, why)
    if rules is not None:
        return approved.latest
    promoted = promote_rollout(parts_of(loaded), approved, who=who, why=why)
    _settle(log)
    return promoted.entry


def _settle(log: ReleaseLog) -> None:
    """Ends a rollout that was only approved, and whose candidate is champion by now."""
    rollout = rollout_of(log.entries())
    if rollout is not None and rollout.promoted and rollout.stage == "approved":
        step(log, rollout, "settled", who=rollout.latest.who, why=AT_ONCE)


def _approved(log: ReleaseLog, rollout: Rollout, who: str, why: str) -> Rollout:
    entry = step(log, rollout, "approved", who=who, why=why)
    return rollout._replace(stage="approved", latest=entry)


def decline(loaded: LoadedApp, rollout: Rollout, *, who: str, why: str) -> Entry:
    """Notes that a person does not agree: the release is over. Returns its last entry.

    Raises:
        ReleaseError: name or reason is empty, or nothing waits for approval any more.
    """
    _check_signed(loaded.app.name, who, why)
    return step(release_log(loaded.app.name), rollout, "declined", who=who, why=why)


def _check_signed(app: str, who: str, why: str) -> None:
    if not (who.strip() and why.strip()):
        raise ReleaseError(
            f"{app}: a person's word on a release needs a name and a reason; give the reason by `--why`, or both in "
            f"the form of the run in Prefect"
        )


def promote_rollout(parts: Parts, rollout: Rollout, *, who: str, why: str) -> Promotion:
    """Makes the candidate of a rollout the champion, on the evidence that it began with; see `promote`.

    Raises:
        ReleaseError: another one is champion than it was compared with, its model version holds another candidate, or
            the promotion failed.
        StackError: the registry is not reachable.
    """
    candidate = parts.registry.candidate_of(parts.app, rollout.version)
    if candidate.digest != rollout.candidate:
        raise ReleaseError(f"{parts.app}: version {rollout.version} does not hold candidate {rollout.candidate[:8]}")
    evidence = {key: value for key, value in rollout.opened.evidence.items() if key != "share"}
    with parts.log.hold():
        champion = reconcile(parts).champion
        if champion is not None and champion.candidate not in (rollout.champion, rollout.candidate):
            raise ReleaseError(
                f"{parts.app}: candidate {rollout.candidate[:8]} was not compared with version {champion.version}, "
                f"which is champion now; `lifecycle rollout end --app {parts.app}`, then deploy it again"
            )
        return promote(
            candidate, rollout.version, parts=parts, verdicts=rollout.verdicts, evidence=evidence, who=who, why=why
        )


def _check_written(loaded: LoadedApp) -> None:
    """Refuses rules that whoever judges the rollout would not know: that process reads the app's own configuration."""
    if load_app(str(loaded.folder)).app.release.rollout != loaded.app.release.rollout:
        raise ConfigurationError(
            f"app {loaded.app.name}: key `release.rollout`: a change for one run is unknown to the judge beside the "
            f"endpoint; write it into the app's app.yaml"
        )


def check_served(loaded: LoadedApp) -> None:
    """Refuses a rollout of an app whose endpoint does not run: nobody would meet its candidate.

    Raises:
        ReleaseError: says how to start it.
    """
    from tasks.releasing.endpoint import served_apps

    running = served_apps()
    if loaded.app.name not in running:
        says = f"serves {', '.join(running)}" if running else "is not up"
        raise ReleaseError(
            f"{loaded.app.name}: a rollout needs the app's endpoint, which {says}; set LIFECYCLE_APP to this app and "
            f"run `lifecycle up`, or leave `release.rollout` out"
        )
