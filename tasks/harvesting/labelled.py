"""Picks that a person has labelled, as rows in the app's own columns, which say where they come from."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from configs.schema.dataset import Columns
from tasks.calling.answer import Answer, Outcome, Passage
from tasks.curating.balance import class_column
from tasks.curating.gathering import Gathered, columns_of, item_of
from tasks.curating.item import DATASET, TRACE
from tasks.curating.own_ids import with_own_ids
from tasks.curating.text import text_of
from tasks.curating.versions import REVIEWED
from tasks.data.contract import NEVER_SHARED
from tasks.data.row import Dataset, Row
from tasks.harvesting.picked import Picked
from tasks.identity import digest
from tasks.retrieval.documents import read_documents
from tasks.scoring.abstaining import abstains
from tasks.scoring.grounding import cited, support
from tasks.scoring.scorer import Rating
from tasks.serving.flagging import abstention_phrases
from tasks.workspace import Workspace

REQUEST, BECAUSE, PROBABILITY, SAID = "origin_request", "origin_because", "origin_probability", "origin_review"
"""Columns of a harvested row: the request that it was, why that was picked, with which probability chance drew it (only
where it did), and what the person said of the answer."""

_UNKNOWN = "I do not know."


@dataclass(frozen=True, slots=True)
class _Known:
    """What the app's own rows tell of a request.

    Attributes:
        played: rows of the production dataset, by id.
        documents: ids of the app's documents.
        clusters: cluster that the app's rows about a document are of, by the document's id.
        unknown: what the app's rows answer where it is not known.
        phrases: by which an abstention is recognised.
    """

    played: Mapping[str, Row]
    documents: frozenset[str]
    clusters: Mapping[str, str]
    unknown: str
    phrases: tuple[str, ...]


def gather_labelled(workspace: Workspace, picks: Sequence[Picked]) -> Gathered:
    """Returns labelled picks as what is curated, beside the rows of the app's own splits that they must not give away.

    Args:
        workspace: the app.
        picks: that have been accepted, corrected or called unanswerable.
    """
    columns, about = workspace.loaded.app.datasets.columns, class_column(workspace.loaded.app)
    own = {split: dataset for split, dataset in workspace.datasets.items() if split in NEVER_SHARED}
    guarded = [
        item_of(row, split, DATASET, columns, about, split, guarded=True)
        for split, dataset in own.items()
        for row in dataset.rows
    ]
    known = _known(workspace, own)
    pool = [item_of(_row(each, known, columns), REVIEWED, TRACE, columns, about) for each in picks]
    said = digest([[each.request, each.state, each.reference] for each in picks])
    return Gathered(
        pool=with_own_ids(pool, columns),
        guarded=tuple(guarded),
        broken=(),
        read={REVIEWED: len(pool), **{split: len(dataset.rows) for split, dataset in own.items()}},
        digests={REVIEWED: said, **{split: dataset.digest for split, dataset in own.items()}},
    )


def _known(workspace: Workspace, own: Mapping[Any, Dataset]) -> _Known:
    production = workspace.datasets.get("production")
    retrieval = workspace.loaded.app.retrieval
    documents = read_documents(workspace.loaded.path(retrieval.documents)) if retrieval else ()
    labelled = [row for dataset in own.values() for row in dataset.rows]
    return _Known(
        played={row.id: row for row in production.rows} if production else {},
        documents=frozenset(document.id for document in documents),
        clusters=_clusters(labelled) if workspace.loaded.app.datasets.columns.cluster else {},
        unknown=_usual(row.reference for row in labelled if row.answerable is False),
        phrases=abstention_phrases(workspace.loaded.app.scorers),
    )


def _clusters(rows: Iterable[Row]) -> dict[str, str]:
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        for document in row.documents[:1]:
            counts[document][row.cluster] += 1
    return {document: found.most_common(1)[0][0] for document, found in counts.items()}


def _usual(references: Iterable[str]) -> str:
    found = Counter(text for reference in references if (text := reference.strip()))
    return found.most_common(1)[0][0] if found else _UNKNOWN


def _row(picked: Picked, known: _Known, columns: Columns) -> Row:
    """Returns a pick as a row.

    What it is about is what the production row was about that it played, else what the app's rows about its first
    document are about, else that document.
    """
    played = known.played.get(picked.row_id)
    reference = {"accepted": picked.answer, "unanswerable": known.unknown}.get(picked.state, picked.reference)
    answerable = not abstains(reference, known.phrases) and picked.state != "unanswerable"
    documents = _documents(picked, reference, known) if answerable else ()
    cluster = played.cluster if played else known.clusters.get(documents[0], documents[0]) if documents else ""
    row = Row(
        id=picked.request,
        messages=picked.messages,
        reference=reference,
        documents=documents,
        cluster=cluster if columns.cluster and cluster else picked.request,
        answerable=answerable if columns.answerable else None,
        slices={name: (played.slices[name] if played else "production") for name in columns.slices},
        columns={**picked.columns, **_of_played(played, reference, picked)},
    )
    values = {**columns_of(row, picked.candidate, columns), **row.slices}
    origin = {
        REQUEST: picked.request,
        BECAUSE: ", ".join(dict.fromkeys(reason.kind for reason in picked.because)),
        PROBABILITY: picked.probability,
        SAID: picked.state,
    }
    return replace(row, columns={**values, **{name: value for name, value in origin.items() if value is not None}})


def _of_played(played: Row | None, reference: str, picked: Picked) -> dict[str, Any]:
    """Returns the columns of the production row that was played; where a person says otherwise than it, none."""
    if played is None:
        return {}
    agrees = picked.state == "accepted" or text_of(reference).words == text_of(played.reference).words
    return played.columns if agrees else {}


def _documents(picked: Picked, reference: str, known: _Known) -> tuple[str, ...]:
    """Returns the documents that a reference names, else those whose passage alone holds what it says, by its words."""
    if named := sorted(cited(reference) & known.documents):
        return tuple(named)
    row = Row(picked.request, picked.messages)
    return tuple(
        passage.id
        for passage in picked.passages
        if passage.id in known.documents and _supports(row, reference, passage)
    )[:1]


def _supports(row: Row, reference: str, passage: Passage) -> bool:
    rated = support.rate(row, Answer(row.id, Outcome.OK, reference, context=(passage,)))
    return isinstance(rated, Rating) and rated.value == 1
