"""Promotion of a candidate to champion, and the way back. Either happens whole or not at all; see `move`."""

import getpass
import socket
from collections.abc import Iterable
from typing import Any, NamedTuple

from configs.errors import ReleaseError
from tasks.candidate import Candidate
from tasks.gating.verdict import Decision, Verdict
from tasks.identity import digest
from tasks.releasing.entry import Entry
from tasks.releasing.move import Change, move
from tasks.releasing.parts import Parts
from tasks.releasing.reconcile import reconcile

_GATES = {"sample", "release"}


class Promotion(NamedTuple):
    """A release that stands in the log.

    Attributes:
        entry: its commit.
        made: False where it stood there already and nothing was done.
        note: what a person should know, "" where nothing.
        calls: questions asked as smoke test.
    """

    entry: Entry
    made: bool
    note: str = ""
    calls: int = 0


def current_user() -> str:
    """Returns `user@machine` of this process."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = "unknown"
    return f"{user}@{socket.gethostname()}"


def release_id(candidate: Candidate, verdicts: Iterable[Verdict], evidence: dict[str, Any]) -> str:
    """Names a release by what it is: app, candidate and what speaks for it."""
    return digest(
        [candidate.app, candidate.digest, [verdict.model_dump(mode="json") for verdict in verdicts], evidence]
    )


def promote(
    candidate: Candidate,
    version: int,
    *,
    parts: Parts,
    verdicts: tuple[Verdict, ...] = (),
    evidence: dict[str, Any] | None = None,
    bootstrap: bool = False,
    who: str,
    why: str,
) -> Promotion:
    """Makes a candidate the champion. Blocks while another process changes it; a release made before is not made again.

    Args:
        candidate: what is released.
        version: its model version.
        parts: the app's log, registry and endpoint.
        verdicts: the decisions of both gates on it.
        evidence: JSON that belongs to the release: evaluations, dataset digests, links. Part of its identity.
        bootstrap: the app's first champion, released without gates.
        who: who releases.
        why: the reason, in words.

    Raises:
        ReleaseError: it may not be released, or a step failed; then the champion is the one before.
    """
    evidence = evidence or {}
    release = release_id(candidate, verdicts, evidence)
    with parts.log.hold():
        champion = reconcile(parts).champion
        commits = [entry for entry in parts.log.entries() if entry.kind == "commit"]
        made = next((entry for entry in reversed(commits) if entry.release == release), None)
        if made is not None:
            return Promotion(made, made=False, note=_since(made, champion))
        _check(candidate, verdicts, champion, bootstrap)
        change = Change("promote", release, candidate.digest, version, who, why, bootstrap, verdicts, evidence=evidence)
        return _made(move(parts, change))


def rollback(parts: Parts, *, version: int | None = None, who: str, why: str) -> Promotion:
    """Makes an earlier champion the champion again.

    Args:
        parts: the app's log, registry and endpoint.
        version: model version to go back to; the champion before the present one where not given. Going back twice
            goes back two champions.
        who: who goes back.
        why: the reason, in words.

    Raises:
        ReleaseError: there is nothing to go back to, the version was never champion, or a step failed.
    """
    with parts.log.hold():
        champion = reconcile(parts).champion
        if champion is None:
            raise ReleaseError(f"{parts.app}: nothing is released, so there is nothing to go back to")
        target = _earlier(parts, champion, version)
        if target.version == champion.version:
            return Promotion(champion, made=False, note=f"version {champion.version} is champion already")
        release = digest([parts.app, "rollback", target.candidate, parts.log.verify().head])
        evidence = {key: value for key, value in target.evidence.items() if key != "smoke"}
        change = Change(
            "rollback",
            release,
            target.candidate,
            target.version,
            who,
            why,
            target.bootstrap,
            target.verdicts,
            evidence=evidence,
        )
        return _made(move(parts, change))


def _made(entry: Entry) -> Promotion:
    return Promotion(entry, made=True, calls=entry.evidence["smoke"]["calls"])


def _check(candidate: Candidate, verdicts: tuple[Verdict, ...], champion: Entry | None, bootstrap: bool) -> None:
    if bootstrap:
        if champion is not None:
            raise ReleaseError(
                f"{candidate.app}: candidate {candidate.digest[:8]} may not be released as bootstrap: version "
                f"{champion.version} is champion; pass both gates"
            )
        return
    check_gates(candidate.app, candidate.digest, verdicts)


def check_gates(app: str, candidate: str, verdicts: tuple[Verdict, ...]) -> None:
    """Refuses a candidate that did not pass both gates.

    Args:
        app: name of the app.
        candidate: the candidate's digest.
        verdicts: the gates' decisions on it.

    Raises:
        ReleaseError: a gate has not decided on it, or has not passed it, or a decision is on another one.
    """
    name = f"{app}: candidate {candidate[:8]}"
    foreign = [verdict.gate for verdict in verdicts if verdict.candidate != candidate]
    if foreign:
        raise ReleaseError(f"{name} may not be released: the verdict of gate {foreign[0]} is on another candidate")
    missing = sorted(_GATES - {verdict.gate for verdict in verdicts})
    if missing:
        raise ReleaseError(f"{name} may not be released: gate {missing[0]} has not decided on it; evaluate it first")
    for verdict in verdicts:
        if verdict.decision is not Decision.PASS:
            raise ReleaseError(f"{name} may not be released: gate {verdict.gate} says {verdict.short}")


def _since(made: Entry, champion: Entry | None) -> str:
    if champion is None or champion.hash == made.hash:
        return ""
    if champion.version == made.version:
        return f"released on {made.at[:10]}, champion again since {champion.at[:10]}"
    verb = {"rollback": "rolled back", "adopt": "replaced by hand"}.get(champion.action, "replaced")
    return f"released on {made.at[:10]} and since then {verb}: version {champion.version} is champion ({champion.why})"


def _earlier(parts: Parts, champion: Entry, version: int | None) -> Entry:
    line = _succession(entry for entry in parts.log.entries() if entry.kind == "commit")
    if version is None:
        if len(line) < 2:
            raise ReleaseError(
                f"{parts.app}: version {champion.version} is the first champion; there is none before it"
            )
        return line[-2]
    known = {entry.version: entry for entry in parts.log.entries() if entry.kind == "commit"}
    if version not in known:
        listed = ", ".join(str(number) for number in known)
        raise ReleaseError(
            f"{parts.app}: version {version} was never champion; "
            f"go back to one of {listed}, or release it through its gates"
        )
    return known[version]


def _succession(commits: Iterable[Entry]) -> list[Entry]:
    """Returns the champions that led to the present one: whoever was rolled back is no longer among them."""
    line: list[Entry] = []
    for entry in commits:
        versions = [earlier.version for earlier in line]
        if entry.version in versions and (entry.action == "rollback" or versions[-1] == entry.version):
            line = line[: len(versions) - 1 - versions[::-1].index(entry.version)]
        line.append(entry)
    return line
