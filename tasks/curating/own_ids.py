"""Ids that no two rows share."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from configs.schema.dataset import Columns
from tasks.curating.item import Item
from tasks.data.row import Row


def with_own_ids(items: Sequence[Item], columns: Columns) -> tuple[Item, ...]:
    """Gives a row whose id a row before it has the name of its source before it, and else a number behind it.

    Nothing of what a row says becomes part of its id: from a digest, a telephone number is found by trying all.
    """
    taken: set[str] = set()
    again: Counter[str] = Counter()
    found = []
    for item in items:
        row = item.row
        if row.id in taken:
            row = _renamed(row, f"{item.source}:{row.id}", columns)
        first = row.id
        while row.id in taken:
            again[first] += 1
            row = _renamed(row, f"{first}:{again[first] + 1}", columns)
        taken.add(row.id)
        found.append(item.with_row(row))
    return tuple(found)


def _renamed(row: Row, name: str, columns: Columns) -> Row:
    cluster = name if row.cluster == row.id else row.cluster
    return replace(row, id=name, cluster=cluster, columns={**row.columns, columns.id: name})
