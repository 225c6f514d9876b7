"""The steps of a rollout, as the release log has them: each is an entry, and the last one says where it stands."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from configs.errors import ReleaseError
from tasks.gating.verdict import Verdict
from tasks.releasing.entry import Entry, Stage
from tasks.releasing.log import ReleaseLog
from tasks.releasing.parts import Parts
from tasks.releasing.promote import check_gates
from tasks.releasing.reconcile import reconcile

_OVER = ("declined", "settled", "ended")
_FOLLOWS: dict[Stage, tuple[Stage, ...]] = {
    "approved": ("proposed",),
    "declined": ("proposed",),
    "shadow": ("approved",),
    "canary": ("approved", "shadow", "canary"),
    "watch": ("canary",),
    "settled": ("approved", "canary", "watch"),
    "ended": ("proposed", "approved", "shadow", "canary", "watch"),
}
"""By step: those that it may follow. `proposed`, `shadow` and `canary` may also be the first."""


class Rollout(NamedTuple):
    """A rollout under way.

    Attributes:
        release: id of the release.
        candidate: digest of the candidate on trial.
        version: its model version.
        champion: digest of the champion that it is compared with; None where there was none.
        champion_version: that one's model version.
        stage: where it stands.
        share: share of the users whom the candidate answers.
        promoted: whether the candidate is champion by now.
        opened: entry of its first step.
        latest: entry of its last step.
        verdicts: the gates' decisions that it stands on.
    """

    release: str
    candidate: str
    version: int
    champion: str | None
    champion_version: int | None
    stage: Stage
    share: float
    promoted: bool
    opened: Entry
    latest: Entry

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """The gates' decisions that it stands on."""
        return self.opened.verdicts

    @property
    def answers(self) -> bool:
        """Whether the candidate is asked anything before its promotion."""
        return self.stage in ("shadow", "canary") and not self.promoted

    @property
    def began(self) -> datetime:
        """When its present step began, in UTC."""
        return datetime.fromisoformat(self.latest.at)


def rollout_of(entries: Sequence[Entry]) -> Rollout | None:
    """Returns the rollout that is under way, None where none is."""
    steps = [entry for entry in entries if entry.stage is not None]
    if not steps or steps[-1].stage in _OVER:
        return None
    latest = steps[-1]
    own = [entry for entry in steps if entry.release == latest.release]
    # A release that was ended may be proposed again: the rollout in question began after that.
    over = [at for at, entry in enumerate(own) if entry.stage in _OVER]
    opened = own[over[-1] + 1] if over else own[0]
    commits = (entry for entry in entries if entry.kind == "commit" and entry.sequence > opened.sequence)
    promoted = any((entry.action, entry.candidate) == ("promote", latest.candidate) for entry in commits)
    return Rollout(
        latest.release,
        latest.candidate,
        latest.version,
        opened.previous_candidate,
        opened.previous_version,
        latest.stage or "ended",
        float(latest.evidence.get("share", 0.0)),
        promoted,
        opened,
        latest,
    )


def open_rollout(
    parts: Parts,
    first: Stage,
    *,
    release: str,
    candidate: str,
    version: int,
    verdicts: tuple[Verdict, ...],
    evidence: dict[str, Any],
    who: str,
    why: str,
) -> Rollout:
    """Begins a rollout. One of the same release that is under way is returned as it stands.

    Args:
        parts: the app's log, registry and endpoint.
        first: its first step.
        release: id of the release.
        candidate: digest of the candidate.
        version: its model version.
        verdicts: the gates' decisions on it.
        evidence: what else it stands on.
        who: who releases.
        why: the reason, in words.

    Raises:
        ReleaseError: a gate has not passed the candidate, another rollout is under way, or there is no champion to
            compare with.
    """
    check_gates(parts.app, candidate, verdicts)
    with parts.log.hold():
        champion = reconcile(parts).champion
        found = rollout_of(parts.log.entries())
        if found is not None and found.release == release:
            return found
        if found is not None:
            raise ReleaseError(
                f"{parts.app}: candidate {found.candidate[:8]} is on trial ({found.stage}); wait for it, or end it: "
                f"`lifecycle rollout end --app {parts.app}`"
            )
        if champion is None:
            raise ReleaseError(f"{parts.app}: there is no champion to compare with; release a first one as bootstrap")
        parts.log.append(
            "stage",
            action="promote",
            stage=first,
            release=release,
            candidate=candidate,
            version=version,
            previous_candidate=champion.candidate,
            previous_version=champion.version,
            verdicts=verdicts,
            evidence=evidence,
            who=who,
            why=why,
        )
    return _under_way(parts.log)


def step(
    log: ReleaseLog,
    rollout: Rollout,
    stage: Stage,
    *,
    evidence: dict[str, Any] | None = None,
    who: str,
    why: str,
    wait_s: float = 900,
) -> Entry:
    """Adds a step to a rollout, and returns its entry.

    Args:
        log: the app's release log.
        rollout: as it was seen; where it has gone on since, or was promoted, nothing is added.
        stage: the step.
        evidence: what it stands on; `share` says the share of the users.
        who: who takes it.
        why: the reason, in words.
        wait_s: for another process that changes the champion.

    Raises:
        BusyError: it still does.
        ReleaseError: the rollout has gone on or is over, a change of the champion is under way, or the step may not
            follow.
    """
    app = log.path.stem
    with log.hold(wait_s):
        entries = log.entries()
        now = rollout_of(entries)
        if now is None or (now.latest.hash, now.promoted) != (rollout.latest.hash, rollout.promoted):
            raise ReleaseError(f"{app}: the rollout of candidate {rollout.candidate[:8]} has gone on; look again")
        if entries[-1].open:
            raise ReleaseError(f"{app}: a change of the champion is under way; try again")
        if now.stage not in _FOLLOWS.get(stage, ()):
            raise ReleaseError(
                f"{app}: the rollout of candidate {now.candidate[:8]} is at `{now.stage}`: `{stage}` cannot follow"
            )
        return log.append(
            "stage",
            action="promote",
            stage=stage,
            release=now.release,
            candidate=now.candidate,
            version=now.version,
            previous_candidate=now.champion,
            previous_version=now.champion_version,
            evidence=evidence or {},
            who=who,
            why=why,
        )


def _under_way(log: ReleaseLog) -> Rollout:
    found = rollout_of(log.entries())
    if found is None:
        raise ReleaseError(f"{log.path.stem}: the rollout is over already; see `lifecycle rollout show`")
    return found
