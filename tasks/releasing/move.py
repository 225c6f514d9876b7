"""The one order in which a champion changes: intent logged, alias moved, endpoint, smoke test, commit logged."""

import logging
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from configs.errors import LifecycleError, ReleaseError
from tasks.gating.verdict import Verdict
from tasks.releasing.entry import Action, Entry
from tasks.releasing.parts import Parts

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Change:
    """A change of the champion that is to be made; fields as in `Entry`."""

    action: Action
    release: str
    candidate: str
    version: int
    who: str
    why: str
    bootstrap: bool = False
    verdicts: tuple[Verdict, ...] = ()
    evidence: dict[str, Any] = field(default_factory=dict)


def move(parts: Parts, change: Change) -> Entry:
    """Makes a change whole or not at all, and returns its commit.

    A step that fails is undone: the alias and the endpoint go back to the last commit and the log says `abort`. Where
    even that fails, or the process dies, the intent stays open and whoever reconciles next undoes it.

    The caller holds the log and has reconciled.

    Raises:
        ReleaseError: a step failed; the champion is the one before.
    """
    before = parts.log.committed()
    facts: dict[str, Any] = {
        **vars(change),
        "previous_candidate": before.candidate if before else None,
        "previous_version": before.version if before else None,
    }
    parts.log.append("intent", **facts)
    try:
        parts.registry.set_champion(parts.app, change.version)
        parts.endpoint.take_up(change.candidate, change.version)
        smoke = parts.endpoint.smoke(change.candidate)
        evidence = {**change.evidence, "smoke": smoke._asdict()}
        return parts.log.append("commit", **{**facts, "evidence": evidence})
    except Exception as error:
        cause = str(error) if isinstance(error, LifecycleError) else f"{type(error).__name__}: {error}"
        _undo(parts, before, facts, cause)
        raise ReleaseError(
            f"{parts.app}: {change.action} of candidate {change.candidate[:8]} failed: {cause}; "
            f"{f'version {before.version} is' if before else 'there is'} {'still' if before else 'no'} champion"
        ) from error


def _undo(parts: Parts, before: Entry | None, facts: dict[str, Any], cause: str) -> None:
    try:
        parts.registry.set_champion(parts.app, before.version if before else None)
        parts.log.append("abort", **{**facts, "why": cause})
    except Exception as error:
        _log.warning("%s: could not undo a failed release now (%s); the next one who starts will", parts.app, error)
    with suppress(LifecycleError):
        parts.endpoint.take_up(before.candidate if before else None, before.version if before else None)
