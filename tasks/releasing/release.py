"""Releases and rollbacks of an app, with the real registry and the real endpoint."""

import asyncio
from typing import TYPE_CHECKING, Any

from configs.errors import ReleaseError
from configs.loading import LoadedApp
from configs.settings import settings
from tasks.candidate import Candidate
from tasks.gating.verdict import Verdict
from tasks.releasing.endpoint import endpoint_of
from tasks.releasing.log import release_log
from tasks.releasing.parts import Parts
from tasks.releasing.promote import Promotion, current_user, promote, rollback
from tasks.results.store import Store

if TYPE_CHECKING:
    from tasks.workspace import Workspace


def parts_of(loaded: LoadedApp) -> Parts:
    """Returns an app's log, MLflow's registry, and the running endpoint or its stand-in.

    Raises:
        StackError: MLflow does not answer.
    """
    from tasks.tracking import models

    store = Store(settings().folder("results", loaded.app.name))

    def find(digest: str) -> Candidate:
        candidate = store.load_candidate(digest)
        if candidate is None:
            raise ReleaseError(f"candidate {digest} is not in {store.folder}; run explore or augment again")
        return candidate

    return Parts(
        app=loaded.app.name,
        log=release_log(loaded.app.name),
        registry=models,
        endpoint=endpoint_of(loaded, find),
        moved_by_hand=loaded.app.release.moved_by_hand,
    )


async def release(
    workspace: "Workspace",
    candidate: Candidate,
    version: int,
    verdicts: tuple[Verdict, ...],
    *,
    why: str,
    bootstrap: bool = False,
) -> Promotion:
    """Makes a candidate the app's champion; see `promote`.

    Args:
        workspace: the app.
        candidate: what is released.
        version: its model version.
        verdicts: the decisions of both gates on it.
        why: the reason, in words.
        bootstrap: the app's first champion, released without gates.

    Raises:
        ReleaseError: it may not be released, or a step failed; then the champion is the one before.
        StackError: MLflow does not answer.
    """
    workspace.store.save_candidate(candidate)
    evidence = evidence_of(workspace)
    return await asyncio.to_thread(
        lambda: promote(
            candidate,
            version,
            parts=parts_of(workspace.loaded),
            verdicts=verdicts,
            evidence=evidence,
            bootstrap=bootstrap,
            who=current_user(),
            why=why,
        )
    )


def evidence_of(workspace: "Workspace") -> dict[str, Any]:
    """Returns what belongs to a release beside its verdicts: the digests of the data that the gates decided on."""
    decided_on = ("sample", "full")
    return {"datasets": {split: each.digest for split, each in workspace.datasets.items() if split in decided_on}}


def roll_back(loaded: LoadedApp, version: int | None, why: str) -> Promotion:
    """Makes an earlier champion of an app the champion again; see `rollback`."""
    return rollback(parts_of(loaded), version=version, who=current_user(), why=why)
