"""A change: which move made a candidate of which, and why that one was tried. Kept beside the results."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from configs.errors import DataError
from configs.schema.augment import Move
from configs.schema.base import Frozen
from tasks.augmenting.attribution import Attribution
from tasks.candidate import Candidate
from tasks.curating.versions import REVIEWED
from tasks.harvesting.reviewed import reviewed_training_rows
from tasks.identity import digest
from tasks.results.store import Store
from tasks.retrieval.documents import read_documents
from tasks.writing import write_whole

if TYPE_CHECKING:
    from tasks.workspace import Workspace


class Change(Frozen):
    """One change that `augment` made."""

    candidate: str
    """Digest of what was made."""
    base: str
    """Digest of the candidate that it was made of."""
    move: Move
    materials: str
    """Digest of the data and documents that it was made with."""
    why: str
    """Why this move and no other."""
    attribution: Attribution | None
    """What was measured of the candidate that had been refused; None where there was none."""


def materials_of(workspace: "Workspace") -> str:
    """Returns the digest of what moves make candidates of: the app's datasets, reviewed rows and documents."""
    retrieval = workspace.loaded.app.retrieval
    documents = read_documents(workspace.loaded.path(retrieval.documents)) if retrieval else ()
    datasets: dict[str, str] = {split: dataset.digest for split, dataset in workspace.datasets.items()}
    if reviewed := reviewed_training_rows(workspace):
        datasets[REVIEWED] = reviewed.digest
    return digest([datasets, [list(document) for document in documents]])


def save_change(workspace: "Workspace", change: Change) -> None:
    """Saves a change; the newest of a candidate counts.

    Raises:
        DataError: the disk is full or refuses to be written.
    """
    name = f"{change.candidate}-{change.move.name}.json"
    write_whole(workspace.store.folder / "changes" / name, change.model_dump_json().encode())


def changes_of(store: Store) -> tuple[Change, ...]:
    """Returns every change that was made to an app, the newest first.

    Raises:
        DataError: a file of them is damaged.
    """
    files = (store.folder / "changes").glob("[!.]*.json")
    return tuple(_read(file) for file in sorted(files, key=lambda file: file.stat().st_mtime_ns, reverse=True))


def tried(workspace: "Workspace", base: Candidate) -> frozenset[str]:
    """Returns the names of the moves whose candidate, made of `base` with the present materials, a gate has decided on.

    A move that was configured otherwise since, or whose data or documents have changed, counts as not tried.
    """
    materials, configured = materials_of(workspace), workspace.loaded.app.augment.moves
    return frozenset(
        change.move.name
        for change in changes_of(workspace.store)
        if (change.base, change.materials) == (base.digest, materials)
        and change.move in configured
        and workspace.store.verdicts(change.candidate)
    )


def _read(file: Path) -> Change:
    try:
        return Change.model_validate(json.loads(file.read_text(encoding="utf-8")))
    except ValueError as error:
        raise DataError(f"{file}: is damaged ({error}); delete it and run again") from None
