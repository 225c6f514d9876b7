"""The whole chain behind a candidate, read from what is stored: nothing is asked, and no server is needed."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from configs.settings import settings
from tasks.augmenting.change import Change, changes_of
from tasks.candidate import Candidate
from tasks.curating.versions import Version, versions
from tasks.lineage.link import Link
from tasks.lineage.materials import adapter_link, data_link, index_link
from tasks.releasing.entry import Entry
from tasks.releasing.log import release_log
from tasks.results.store import Store


class Known(NamedTuple):
    """What is stored of an app.

    Attributes:
        store: its results.
        home: folder of all state.
        entries: its release log.
        changes: what `augment` has made, the newest first.
        curated: its curated versions.
    """

    store: Store
    home: Path
    entries: tuple[Entry, ...]
    changes: tuple[Change, ...]
    curated: tuple[Version, ...]


def known_of(store: Store, app: str) -> Known:
    """Returns what is stored of an app.

    Raises:
        ReleaseError: its release log was altered.
        DataError: a file of its results is damaged.
    """
    home = settings().folder()
    return Known(store, home, release_log(app).entries(), changes_of(store), versions(home, app))


def lineage_of(known: Known, candidate: Candidate, before: frozenset[str] = frozenset()) -> Link:
    """Returns the chain of a candidate: its releases, verdicts and evaluations, and what it was made of.

    Args:
        known: what is stored.
        candidate: where the chain begins.
        before: digests of candidates that the chain has named already.
    """
    return Link(
        what="candidate",
        name=candidate.digest,
        facts={"label": candidate.label},
        made_of=(
            *_releases(known, candidate),
            *_verdicts(known, candidate),
            *_parts(known, candidate),
            *_origin(known, candidate, before | {candidate.digest}),
        ),
    )


def _releases(known: Known, candidate: Candidate) -> Iterator[Link]:
    for entry in known.entries:
        if entry.kind == "commit" and entry.candidate == candidate.digest:
            facts = {"at": entry.at, "who": entry.who, "why": entry.why, "version": str(entry.version)}
            facts |= {"gates": "none: the first champion"} if entry.bootstrap else {}
            yield Link(what=entry.action, name=entry.release, facts=facts)


def _verdicts(known: Known, candidate: Candidate) -> Iterator[Link]:
    for verdict in known.store.verdicts(candidate.digest):
        evaluations = (known.store.load(name) for name in verdict.evaluations)
        yield Link(
            what="verdict",
            name=f"{verdict.gate} gate: {verdict.decision}",
            facts={each.metric: each.reason for each in verdict.rules if each.decision is verdict.decision},
            made_of=tuple(
                Link(
                    what="evaluation",
                    name=each.id,
                    facts={
                        "of": each.candidate.label,
                        "epoch": each.epoch,
                        "rows": str(len(each.rows)),
                    },
                    made_of=(data_link(known.curated, each.split, each.dataset),),
                )
                for each in evaluations
                if each is not None
            ),
        )


def _parts(known: Known, candidate: Candidate) -> Iterator[Link]:
    for what, prompt in (("prompt", candidate.prompt), ("meta-prompt", candidate.meta_prompt)):
        if prompt is not None:
            facts = {"version": str(prompt.version or "not registered"), "digest": prompt.digest}
            yield Link(what=what, name=prompt.name, facts=facts)
    if candidate.model is not None:
        yield Link(what="model", name=candidate.model, facts={"stands for": candidate.endpoint_model or ""})
    if candidate.retrieval is not None:
        yield index_link(known.home, candidate.retrieval.index, {"found": candidate.retrieval.told})
    if candidate.examples:
        yield Link(what="examples", name=", ".join(example.row_id for example in candidate.examples))
    if candidate.adapter is not None:
        yield adapter_link(known.home, known.store.folder, known.curated, candidate.adapter, candidate.parent)
    if candidate.code is not None:
        yield Link(what="code", name=candidate.code)


def _origin(known: Known, candidate: Candidate, before: frozenset[str]) -> Iterator[Link]:
    """Yields the change that made a candidate, and below it the one that it was made of."""
    change = next((each for each in known.changes if each.candidate == candidate.digest), None)
    name = change.base if change else candidate.parent
    if name is None:
        return
    parent = known.store.load_candidate(name)
    made_of = (lineage_of(known, parent, before),) if parent is not None and name not in before else ()
    facts = {"why": change.why} if change else {}
    if change and change.attribution:
        causes = ", ".join(f"{cause} {rows}" for cause, rows in change.attribution.causes)
        facts |= {"looked at": f"{change.attribution.candidate} at the {change.attribution.gate} gate: {causes}"}
    yield Link(what="change", name=change.move.name if change else candidate.move or "", facts=facts, made_of=made_of)
