"""The rows of a dataset in the order in which they are drawn, a batch at a time."""

from collections.abc import Iterator

from tasks.data.row import Row, Rows
from tasks.statistics.drawing import draw_order

_FIRST = 16
_SHARE = 4
"""A batch is a quarter of the rows before it: the looks are few, and few rows are asked in vain."""


def batches(rows: Rows) -> Iterator[list[Row]]:
    """Yields every row once, at random, the rows of a cluster in one batch.

    Of the rows no more than a batch is kept in memory, so that those of a large file are read anew for each.
    """
    clusters = [row.cluster or row.id for row in rows]
    order = draw_order(clusters)
    start = 0
    while start < len(order):
        end = min(start + max(_FIRST, start // _SHARE), len(order))
        while end < len(order) and clusters[order[end]] == clusters[order[end - 1]]:
            end += 1
        wanted = {int(position): place for place, position in enumerate(order[start:end])}
        found = [(wanted[position], row) for position, row in enumerate(rows) if position in wanted]
        yield [row for _, row in sorted(found, key=lambda pair: pair[0])]
        start = end
