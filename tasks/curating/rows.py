"""Curates: from the gathered rows to splits that give nothing away."""

from collections.abc import Sequence
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from configs.errors import DataError
from tasks.calling.embeddable import embeddable
from tasks.calling.embedding import embed
from tasks.curating.contamination import leaks_of, without_leaks
from tasks.curating.curation import Curation, counted
from tasks.curating.duplicates import deduplicate
from tasks.curating.gathering import Gathered
from tasks.curating.held import without_held
from tasks.curating.item import SYNTHETIC, Item, Kept
from tasks.curating.likeness import Link, links_of
from tasks.curating.own_ids import with_own_ids
from tasks.curating.redacting import redact_item
from tasks.curating.screening import screen
from tasks.curating.splitting import split_by_cluster
from tasks.curating.teachable import teachable
from tasks.curating.teaching import teach
from tasks.progress import bar
from tasks.retrieval.documents import read_documents
from tasks.serving.flagging import abstention_phrases
from tasks.workspace import Workspace

if TYPE_CHECKING:
    import numpy as np


async def curate_rows(workspace: Workspace, gathered: Gathered) -> Curation:
    """Takes out personal data, sets apart what nobody should learn from, and splits the rest by cluster.

    Where the app's own splits give each other away it stops there: `leaks` says how.

    Args:
        workspace: the app; its `curate` says how.
        gathered: its rows.

    Raises:
        DataError: too few rows are left, or all are of one class though `curate.class_column` names several.
        CallFailure: the embedding model gave no usable vectors; what was embedded is journaled.
        EndpointError: the teacher answered nothing.
    """
    curate = workspace.loaded.app.curate
    guarded = _redacted(workspace, gathered.guarded, "guarded rows read").items
    read = _redacted(workspace, gathered.pool, "rows read")
    done = Curation(read.items, gathered.broken, redacted=read.found)
    done.begin(len(read.items))
    done.step("safe and answered", _screened(workspace, done.items))
    links = await links_between(workspace, (*guarded, *done.items))
    done.leaks = leaks_of((*guarded, *done.items), links, curate.contamination)
    if done.leaks:
        return done
    _sort_out(workspace, done, guarded, links)
    if curate.synthetic is not None:
        links = await _add_synthetic(workspace, done, guarded)
    done.step("no split gives another away", without_leaks(done.items, guarded, links, curate.contamination))
    _check_enough(workspace, done)
    _check_classes(workspace, done)
    return done


def _sort_out(workspace: Workspace, done: Curation, guarded: Sequence[Item], links: Sequence[Link]) -> None:
    """Each row once, none that a guarded split has, each on the side of its cluster."""
    curate = workspace.loaded.app.curate
    done.step("not in a guarded split", without_held(done.items, guarded, links))
    done.step("each once", deduplicate(done.items, links, curate.duplicates))
    done.step("split by cluster", split_by_cluster(done.items, guarded, curate.shares, curate.seed))


async def _add_synthetic(workspace: Workspace, done: Curation, guarded: Sequence[Item]) -> tuple[Link, ...]:
    """Adds the teacher's rows, and sorts out again: a row that was there goes before one that was written."""
    app = workspace.loaded.app
    wanted = app.curate.synthetic
    if wanted is None or app.retrieval is None:  # the schema wants both or none
        return ()
    documents = read_documents(workspace.loaded.path(app.retrieval.documents))
    allowed = teachable(documents, (*guarded, *done.items), app.curate.shares, app.curate.seed)
    phrases = abstention_phrases(app.scorers)
    done.taught = await teach(allowed, wanted, app.datasets.columns, workspace.means, phrases)
    written = _redacted(workspace, done.taught.items, "synthetic rows read")
    done.redacted += written.found
    done.step("with synthetic rows", Kept((*done.items, *written.items), ()))
    done.step("synthetic rows safe", _screened(workspace, done.items))
    links = await links_between(workspace, (*guarded, *done.items))
    _sort_out(workspace, done, guarded, links)
    return links


class _Redacted(NamedTuple):
    items: tuple[Item, ...]
    found: int


def _redacted(workspace: Workspace, items: Sequence[Item], label: str) -> _Redacted:
    columns = workspace.loaded.app.datasets.columns
    clean, found = [], 0
    with bar(label, len(items)) as shown:
        for item in items:
            made = redact_item(item, columns)
            clean.append(made.item)
            found += made.found
            shown.advance()
    # Each source's for itself: rows of two of the app's splits may have the same id.
    by_source = groupby(clean, key=lambda item: item.source)
    return _Redacted(tuple(item for _, own in by_source for item in with_own_ids(tuple(own), columns)), found)


def _screened(workspace: Workspace, items: Sequence[Item]) -> Kept:
    app = workspace.loaded.app
    return screen(items, app.datasets.columns, app.curate.swears, abstention_phrases(app.scorers))


async def links_between(workspace: Workspace, items: Sequence[Item]) -> tuple[Link, ...]:
    """Returns every two of some items that are the same in something, by words and, where the app says so, by meaning.

    Args:
        workspace: the app; its `curate` has the thresholds and the embedding model.
        items: without personal data.

    Raises:
        CallFailure: the embedding model gave no usable vectors; what was embedded is journaled.
    """
    curate = workspace.loaded.app.curate
    return links_of(items, await _vectors(workspace, items), curate.duplicates, curate.contamination)


async def _vectors(workspace: Workspace, items: Sequence[Item]) -> "np.ndarray | None":
    """Returns the embeddings of what was asked; without personal data, which could be guessed from a vector.

    What the model does not take has a vector of zeros, which is like no other: it is compared by its words.
    """
    import numpy as np

    model = workspace.loaded.app.curate.embedding_model
    if model is None or not items:
        return None
    texts = ["\n".join(message.content for message in item.row.messages) for item in items]
    journal, spend = workspace.journal, workspace.spend
    ask = partial(embed, loaded=workspace.loaded, model=model, journal=journal, epoch="", spend=spend)
    taken = await embeddable(texts, ask)
    vectors = np.zeros((len(items), max(1, taken.vectors.shape[1])), np.float32)
    if taken.places:
        vectors[list(taken.places)] = taken.vectors
    return vectors


def _check_enough(workspace: Workspace, done: Curation) -> None:
    least = workspace.loaded.app.curate.least_rows
    if len(done.items) >= least:
        return
    read = done.funnel[0]["rows"]
    why = ", ".join(f"{reason} {count}" for reason, count in counted(done.apart).items())
    raise DataError(
        f"app {workspace.name}: {len(done.items)} of {read} rows are left{f' ({why})' if why else ''}, and at least "
        f"{least} are needed; name more under `curate.datasets` or `curate.files`, or lower `curate.least_rows`"
    )


def _check_classes(workspace: Workspace, done: Curation) -> None:
    named = workspace.loaded.app.curate.class_column
    own = [item for item in done.items if item.rank != SYNTHETIC]
    classes = {item.about for item in own}
    if not named or len(classes) != 1:
        return
    value = next(iter(classes))
    raise DataError(
        f"app {workspace.name}: column {named!r} (`curate.class_column`) holds {value!r} in all {len(own)} rows; one "
        f"class alone teaches nothing: add rows of others, or mend the column's name"
    )
