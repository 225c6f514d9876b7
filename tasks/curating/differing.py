"""How two datasets differ: rows added, removed and changed, columns, and classes."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from configs.schema.base import Frozen
from tasks.data.cells import as_text

Record = Mapping[str, Any]


class ChangedRow(Frozen):
    """A row that both have and that is not the same in both."""

    id: str
    columns: dict[str, tuple[str, str]]
    """Before and after, as text, of each column that differs; "" where it is not there."""


class RenamedRow(Frozen):
    """A row whose content both have, under another id each."""

    before: str
    after: str


class Difference(Frozen):
    """What became of one dataset in another."""

    before: str
    after: str
    """Names of the two."""
    rows_before: int
    rows_after: int
    same: int
    """Rows that are alike in id and content."""
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[ChangedRow, ...]
    renamed: tuple[RenamedRow, ...]
    columns_added: tuple[str, ...]
    columns_removed: tuple[str, ...]
    class_column: str | None
    balance: dict[str, tuple[int, int]]
    """Rows of each class before and after."""

    @property
    def is_none(self) -> bool:
        """Whether the two hold the same rows."""
        return not (self.added or self.removed or self.changed or self.renamed)


def difference(
    names: tuple[str, str], before: Sequence[Record], after: Sequence[Record], id_column: str, by: str | None
) -> Difference:
    """Compares two datasets: rows first by id, then, where the id is the other's alone, by content.

    Values count as text, and an empty one as none: 2 and "2", or a missing key and an empty cell, are the same.

    Args:
        names: of the two, as people read them.
        before: its records.
        after: those of the other.
        id_column: column that names a row; where a record has none, its content does.
        by: column of the classes; None where there are none.
    """
    of_before, of_after = _by_id(before, id_column), _by_id(after, id_column)
    both = [row_id for row_id in of_before if row_id in of_after]
    changed = [each for row_id in both if (each := _changed(row_id, of_before[row_id], of_after[row_id])).columns]
    gone = [row_id for row_id in of_before if row_id not in of_after]
    come = [row_id for row_id in of_after if row_id not in of_before]
    renamed = _renamed({row: of_before[row] for row in gone}, {row: of_after[row] for row in come}, id_column)
    moved = {each.before for each in renamed}, {each.after for each in renamed}
    columns = [dict.fromkeys(name for record in records for name in record) for records in (before, after)]
    return Difference(
        before=names[0],
        after=names[1],
        rows_before=len(before),
        rows_after=len(after),
        same=len(both) - len(changed),
        added=tuple(row_id for row_id in come if row_id not in moved[1]),
        removed=tuple(row_id for row_id in gone if row_id not in moved[0]),
        changed=tuple(changed),
        renamed=renamed,
        columns_added=tuple(name for name in columns[1] if name not in columns[0]),
        columns_removed=tuple(name for name in columns[0] if name not in columns[1]),
        class_column=by,
        balance=_balance(before, after, by),
    )


def _by_id(records: Sequence[Record], id_column: str) -> dict[str, dict[str, str]]:
    """Returns the records as text by their ids; of one id that comes again, each further one has a number behind it."""
    found: dict[str, dict[str, str]] = {}
    seen: Counter[str] = Counter()
    for record in records:
        plain = {name: text for name, value in record.items() if (text := as_text(value).strip())}
        name = plain.get(id_column) or " ".join(plain.values())[:80]
        seen[name] += 1
        found[name if seen[name] == 1 else f"{name}#{seen[name]}"] = plain
    return found


def _changed(row_id: str, before: Record, after: Record) -> ChangedRow:
    names = dict.fromkeys([*before, *after])
    pairs = {name: (before.get(name, ""), after.get(name, "")) for name in names}
    return ChangedRow(id=row_id, columns={name: pair for name, pair in pairs.items() if pair[0] != pair[1]})


def _renamed(gone: Mapping[str, Record], come: Mapping[str, Record], id_column: str) -> tuple[RenamedRow, ...]:
    waiting: dict[frozenset[tuple[str, str]], list[str]] = defaultdict(list)
    for row_id, record in gone.items():
        waiting[_content(record, id_column)].append(row_id)
    found = []
    for row_id, record in come.items():
        if same := waiting.get(_content(record, id_column)):
            found.append(RenamedRow(before=same.pop(0), after=row_id))
    return tuple(found)


def _content(record: Record, id_column: str) -> frozenset[tuple[str, str]]:
    return frozenset((name, value) for name, value in record.items() if name != id_column)


def _balance(before: Sequence[Record], after: Sequence[Record], by: str | None) -> dict[str, tuple[int, int]]:
    if by is None:
        return {}
    counts = [Counter(as_text(record.get(by)).strip() for record in records) for records in (before, after)]
    classes = sorted({*counts[0], *counts[1]}, key=lambda name: (-counts[1][name] - counts[0][name], name))
    return {name or "(none)": (counts[0][name], counts[1][name]) for name in classes}
