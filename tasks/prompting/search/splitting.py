"""Which rows a search shows and which it scores on: never the same, and never two of one cluster on both sides."""

from collections.abc import Collection, Iterable, Sequence
from itertools import groupby

from tasks.data.contract import conversation
from tasks.data.row import Row
from tasks.statistics.drawing import draw_key

_SHOWN_SHARE = 3
"""Where the rows that are shown and scored come from one file, a third of its clusters may be shown."""


def pool_of(rows: Iterable[Row]) -> tuple[Row, ...]:
    """Returns the rows of a single file that may be shown: of a third of the clusters, drawn by their names.

    Clusters with and without an unanswerable row are drawn apart, so that both kinds can be shown and scored.
    """
    clusters: dict[str, list[Row]] = {}
    for row in rows:
        clusters.setdefault(cluster_of(row), []).append(row)
    drawn = sorted(clusters, key=draw_key)
    unsure = [name for name in drawn if any(row.answerable is False for row in clusters[name])]
    sure = [name for name in drawn if name not in unsure]
    taken = [name for names in (sure, unsure) for name in names[: len(names) // _SHOWN_SHARE]]
    return tuple(row for name in taken for row in clusters[name])


def scored_of(
    rows: Iterable[Row], shown: Collection[Row], barred: Collection[str] = (), most: int | None = None
) -> tuple[Row, ...]:
    """Returns the rows that are scored, in the order in which they are drawn, the rows of a cluster together.

    Args:
        rows: what there is.
        shown: rows that any arm shows; their clusters and their conversations are left out.
        barred: conversations that are left out as well: those that a gate asks.
        most: rows at most; a cluster that would pass that is left out as a whole, unless it is the first.
    """
    clusters = {cluster_of(row) for row in shown}
    texts = {conversation(row) for row in shown} | set(barred)
    left = [row for row in rows if cluster_of(row) not in clusters and conversation(row) not in texts]
    left.sort(key=lambda row: (draw_key(cluster_of(row)), cluster_of(row)))
    fitting = [end for end in ends_of(left) if most is None or end <= most] or ends_of(left)[:1]
    return tuple(left[: fitting[-1]]) if fitting else ()


def ends_of(rows: Sequence[Row]) -> tuple[int, ...]:
    """Returns after how many rows no cluster is cut, ascending."""
    sizes = [len(list(group)) for _, group in groupby(rows, key=cluster_of)]
    return tuple(sum(sizes[: number + 1]) for number in range(len(sizes)))


def cluster_of(row: Row) -> str:
    """Returns what a row is about; itself where the dataset has no clusters."""
    return row.cluster or row.id
