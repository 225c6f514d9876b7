"""What a curation comes to before anything is written: its manifest, its splits, and what the checks say."""

from typing import NamedTuple

from tasks.curating.contamination import leaks_in_words
from tasks.curating.curation import Curation
from tasks.curating.describing import by_side, manifest_of
from tasks.curating.gathering import Gathered
from tasks.curating.versions import Manifest, Version, made_dataset, save_version, version_path
from tasks.data.report import ValidationReport
from tasks.data.row import Dataset
from tasks.data.validation import validated
from tasks.retrieval.documents import read_documents
from tasks.workspace import Workspace


class Made(NamedTuple):
    """What is to be written, and what the checks say of it.

    Attributes:
        done: the curation.
        manifest: describes it; its digest is the version's name.
        datasets: its splits, as they will be read again; none where it is blocked.
        report: of the checks on them; None where it is blocked.
        reason: why it passed or did not, in one line.
        passed: whether it may be written.
    """

    done: Curation
    manifest: Manifest
    datasets: tuple[Dataset, ...]
    report: ValidationReport | None
    reason: str
    passed: bool


def made_of(workspace: Workspace, gathered: Gathered, done: Curation) -> Made:
    """Returns what a curation comes to; splits that give each other away block it, as a broken contract does.

    Args:
        workspace: the app.
        gathered: what was curated.
        done: the curation.
    """
    manifest = manifest_of(workspace.loaded, gathered, done)
    if done.leaks:
        return Made(done, manifest, (), None, leaks_in_words(done.leaks), passed=False)
    columns = workspace.loaded.app.datasets.columns
    datasets = tuple(
        made_dataset(manifest, split, version_path(workspace.home, manifest, split), items, columns)
        for split, items in by_side(done).items()
    )
    retrieval = workspace.loaded.app.retrieval
    documents = read_documents(workspace.loaded.path(retrieval.documents)) if retrieval else None
    ids = frozenset(document.id for document in documents) if documents is not None else None
    report = validated(workspace.loaded, datasets, ids, workspace.home / "validations")
    if report.failures:
        first = report.failures[0]
        rows = f" (rows {', '.join(first.rows[:5])})" if first.rows else ""
        reason = f"{first.dataset}: {first.message}{rows}; mend these rows in their source and run again"
        return Made(done, manifest, datasets, report, reason, passed=False)
    kept = ", ".join(f"{rows} {split}" for split, rows in manifest.rows.items())
    reason = f"{kept or 'no'} rows of {done.funnel[0]['rows']} records; {len(done.apart)} set apart"
    return Made(done, manifest, datasets, report, reason, passed=True)


def save_made(workspace: Workspace, made: Made, pointer: str) -> Version | None:
    """Writes a version, unless it is there, and has a name point at it; None where it may not be written.

    Args:
        workspace: the app.
        made: what is written.
        pointer: such as `latest`; see `save_version`.
    """
    if not made.passed:
        return None
    return save_version(
        workspace.home, made.manifest, by_side(made.done), made.done.apart, made.done.broken, pointer=pointer
    )
