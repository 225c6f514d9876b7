"""Admits what was selected to the queue: without personal data, without secrets, and each question once."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from configs.schema.dataset import Columns, Split
from tasks.calling.answer import Passage
from tasks.curating.gathering import item_of
from tasks.curating.item import DATASET, TRACE, Item
from tasks.curating.likeness import Link
from tasks.curating.redacting import redact_item, redacted, redacted_values
from tasks.curating.rows import links_between
from tasks.curating.screening import SECRET
from tasks.curating.secrets import secret_in
from tasks.curating.text import text_of
from tasks.data.row import Row
from tasks.harvesting.picked import PassedOver, Picked
from tasks.harvesting.queue import Queue
from tasks.harvesting.selecting import Selection
from tasks.progress import bar
from tasks.serving.record import Numbered, RecordStore
from tasks.workspace import Workspace

REPEATS = "is there already"
_AT_ONCE = 500
_COMPARED: tuple[Split, ...] = ("sample", "full", "redteam", "examples", "train")


@dataclass(frozen=True, slots=True)
class Admitted:
    """What goes into the queue.

    Attributes:
        picked: requests for people to look at, in the order in which they came.
        passed_over: those that were selected and left out, and why.
        draws: by request of the queue, the weight of others that chance drew and that it stands for.
    """

    picked: tuple[Picked, ...]
    passed_over: tuple[PassedOver, ...]
    draws: Mapping[str, float]


async def admit(workspace: Workspace, store: RecordStore, queue: Queue, selection: Selection) -> Admitted:
    """Returns what of a selection people are to look at.

    A request that holds a key or a password is left out, and one that was picked for a reason and asks what the app's
    own rows or a request of the queue ask already, exactly, nearly or in meaning. What chance drew stays, or it would
    stand for nothing; only of those that ask and answer the same one stands for all.

    Args:
        workspace: the app; its `curate` says when two questions are one.
        store: its served requests.
        queue: what was picked before.
        selection: what is new.

    Raises:
        CallFailure: the embedding model gave no usable vectors; what was embedded is journaled.
    """
    if not selection.reasons:
        return Admitted((), (), {})
    columns = workspace.loaded.app.datasets.columns
    new = [_picked(each, selection, columns) for each in _served(store, list(selection.reasons))]
    passed_over = [PassedOver(each.request, SECRET, kind) for each in new if (kind := _secret_of(each))]
    held = {each.request for each in passed_over}
    new = [each for each in new if each.request not in held]
    before = queue.all()
    clusters = _clusters(workspace)
    items = [_item(each, clusters) for each in (*before, *new)]
    links = await links_between(workspace, (*_own(workspace), *items))
    repeats = _repeated(workspace, links)
    undecided = {item.name for item in items[len(before) :]}
    same = {_asked_and_answered(each): each.request for each in reversed(before)}
    picked: list[Picked] = []
    draws: dict[str, float] = defaultdict(float)
    for each, item in zip(new, items[len(before) :], strict=True):
        first = same.get(_asked_and_answered(each))
        of = next((name for name in repeats.get(item.name, ()) if name not in undecided), None)
        if each.weight and first is not None:
            draws[first] += each.weight
            passed_over.append(PassedOver(each.request, REPEATS, first))
        elif not each.weight and of is not None:
            passed_over.append(PassedOver(each.request, REPEATS, of))
        else:
            picked.append(each)
            undecided.discard(item.name)
            same.setdefault(_asked_and_answered(each), each.request)
    return Admitted(tuple(picked), tuple(passed_over), dict(draws))


def _served(store: RecordStore, requests: Sequence[str]) -> Iterator[Numbered]:
    """Yields requests in the order in which they came."""
    found = []
    with bar("personal data taken out", len(requests)) as shown:
        for start in range(0, len(requests), _AT_ONCE):
            part = store.named(requests[start : start + _AT_ONCE])
            found += part
            for _ in part:
                shown.advance()
    yield from sorted(found, key=lambda each: each.number)


def _picked(numbered: Numbered, selection: Selection, columns: Columns) -> Picked:
    """Returns a request without personal data."""
    number, served = numbered
    probability = selection.probability.get(served.id)
    answer = served.answer
    return Picked(
        request=served.id,
        number=number,
        at=served.at.isoformat(),
        candidate=served.candidate,
        row_id=served.row_id,
        messages=tuple(each._replace(content=redacted(each.content).text) for each in served.messages),
        columns=redacted_values(served.columns, columns),
        answer=redacted(answer.text).text,
        cause=redacted(answer.cause).text,
        passages=tuple(Passage(each.id, redacted(each.text).text, each.score) for each in answer.context),
        because=selection.reasons[served.id],
        probability=probability,
        weight=1 / probability if probability else 0.0,
    )


def _secret_of(picked: Picked) -> str:
    texts = (*(message.content for message in picked.messages), picked.answer)
    return next((kind for text in texts if (kind := secret_in(text))), "")


def _clusters(workspace: Workspace) -> dict[str, str]:
    """Returns what the rows of the production dataset are about, where it says so."""
    production = workspace.datasets.get("production")
    if production is None or workspace.loaded.app.datasets.columns.cluster is None:
        return {}
    return {row.id: row.cluster for row in production.rows if row.cluster != row.id}


def _item(picked: Picked, clusters: Mapping[str, str]) -> Item:
    cluster = clusters.get(picked.row_id, "")
    row = Row(picked.request, picked.messages, cluster=cluster or picked.request)
    return Item(row, "request", TRACE, clustered=bool(cluster))


def _own(workspace: Workspace) -> Iterator[Item]:
    """Yields the rows that the app has already; those of `production` are the requests themselves, played."""
    columns = workspace.loaded.app.datasets.columns
    for split in _COMPARED:
        if dataset := workspace.datasets.get(split):
            for row in dataset.rows:
                yield redact_item(item_of(row, split, DATASET, columns, None), columns).item


def _repeated(workspace: Workspace, links: Sequence[Link]) -> dict[str, list[str]]:
    """Returns what each item asks again."""
    wanted = workspace.loaded.app.curate.duplicates
    found: dict[str, list[str]] = defaultdict(list)
    for link in links:
        if link.duplicates(wanted):
            found[link.one].append(link.other)
            found[link.other].append(link.one)
    return found


def _asked_and_answered(picked: Picked) -> tuple[tuple[str, ...], ...]:
    return (*(text_of(message.content).words for message in picked.messages), text_of(picked.answer).words)
