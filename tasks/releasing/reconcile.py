"""Whoever starts makes the release log, the alias and what is served name the same candidate.

The last committed entry decides. A change that was begun and not ended is undone. An alias that somebody moved in
MLflow is noticed, logged, and taken over or moved back as its model version's gates and the configuration say.
"""

import logging
from typing import Any, NamedTuple

from configs.errors import ReleaseError, StackError
from tasks.identity import digest
from tasks.releasing.entry import Entry
from tasks.releasing.move import Change, move
from tasks.releasing.parts import Parts

_log = logging.getLogger(__name__)

_WHO = "reconcile"


class Reconciled(NamedTuple):
    """Who is champion after reconciling, and what had to be done for it, one line each."""

    champion: Entry | None
    notes: tuple[str, ...]


def reconcile(parts: Parts, wait_s: float = 900) -> Reconciled:
    """Makes log and alias agree. Done twice, it changes nothing the second time.

    Args:
        parts: the app's log, registry and endpoint.
        wait_s: seconds to wait for another process that changes the champion.

    Raises:
        BusyError: another process changes the champion.
        ReleaseError: the log was altered.
        StackError: the registry is not reachable.
    """
    with parts.log.hold(wait_s):
        notes = [note for note in (_end_interrupted(parts), _settle_alias(parts)) if note]
        for note in notes:
            _log.warning("%s: %s", parts.app, note)
        return Reconciled(parts.log.committed(), tuple(notes))


def _end_interrupted(parts: Parts) -> str | None:
    entries = parts.log.entries()
    if not entries or entries[-1].kind != "intent":
        return None
    intent, champion = entries[-1], parts.log.committed()
    parts.registry.set_champion(parts.app, champion.version if champion else None)
    parts.log.append("abort", **{**_facts(intent), "who": _WHO, "why": "interrupted"})
    return f"{intent.action} of version {intent.version} was interrupted: undone"


def _settle_alias(parts: Parts) -> str | None:
    entries = parts.log.entries()
    noticed = entries[-1] if entries and entries[-1].kind == "alias_moved" else None
    champion = parts.log.committed()
    expected = champion.version if champion else None
    found = parts.registry.champion_version(parts.app)
    if noticed is not None and (found == expected or found != (noticed.version or None)):
        parts.log.append("abort", **{**_facts(noticed), "who": _WHO, "why": "the alias has moved on"})
        noticed = None
    if found == expected:
        return None
    if noticed is None:
        noticed = parts.log.append("alias_moved", **_notice(parts, champion, found))
    refusal = _refusal(noticed)
    if refusal:
        parts.registry.set_champion(parts.app, expected)
        parts.log.append("abort", **{**_facts(noticed), "who": _WHO, "why": refusal})
        where = f"moved by hand to version {found}" if found else "removed by hand"
        return f"alias {where}: moved back: {refusal}"
    return _adopt(parts, noticed)


def _notice(parts: Parts, champion: Entry | None, found: int | None) -> dict[str, Any]:
    candidate, why, passed = "", "the alias was removed by hand", False
    if found is not None:
        candidate, why = _candidate(parts, found), "the alias was moved by hand"
        passed = bool(candidate) and parts.registry.gates_passed(parts.app, found)
    return {
        "action": "adopt" if candidate and (passed or parts.moved_by_hand == "warn") else "restore",
        "release": digest([parts.app, "alias", found, len(parts.log.entries())]),
        "candidate": candidate,
        "version": found or 0,
        "previous_candidate": champion.candidate if champion else None,
        "previous_version": champion.version if champion else None,
        "evidence": {"gates_passed": passed},
        "who": "unknown",
        "why": why,
    }


def _candidate(parts: Parts, version: int) -> str:
    """Returns the digest of a version's candidate, "" where it was registered from none."""
    try:
        return parts.registry.candidate_of(parts.app, version).digest
    except StackError:
        raise
    except (ReleaseError, LookupError, ValueError) as error:
        _log.warning("%s: version %s holds no candidate: %s", parts.app, version, error)
        return ""


def _refusal(noticed: Entry) -> str | None:
    if not noticed.version:
        return "only a release or `lifecycle rollback` changes the champion"
    if not noticed.candidate:
        return f"version {noticed.version} was not registered from a candidate"
    if noticed.action == "restore":
        return f"version {noticed.version} did not pass its gates"
    return None


def _adopt(parts: Parts, noticed: Entry) -> str:
    passed = noticed.evidence["gates_passed"]
    why = noticed.why if passed else f"{noticed.why} to a candidate that passed no gate; served as `warn` asks"
    change = Change(
        "adopt", noticed.release, noticed.candidate, noticed.version, noticed.who, why, evidence=noticed.evidence
    )
    try:
        move(parts, change)
    except ReleaseError as error:
        return f"alias moved by hand to version {noticed.version}: moved back: {error}"
    return f"alias moved by hand to version {noticed.version}: taken over{'' if passed else '; it passed no gate'}"


def _facts(entry: Entry) -> dict[str, Any]:
    return entry.model_dump(exclude={"sequence", "at", "kind", "previous_hash", "hash"})
