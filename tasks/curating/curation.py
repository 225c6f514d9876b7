"""How far curating has come: the rows that are in, those set apart, and what each step left."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tasks.curating.contamination import Leak
from tasks.curating.item import Apart, Broken, Item, Kept
from tasks.curating.teaching import Taught


@dataclass
class Curation:
    """What curating has come to.

    Attributes:
        items: rows that are still in; at the end each has a side.
        broken: records of files that are no rows.
        apart: rows set apart, in the order of the steps.
        funnel: rows left after each step, how many it set apart and why.
        redacted: findings of personal data that were taken out.
        leaks: rows of the app's own splits that give each other away; where there are some, it ended there.
        taught: what became of the teacher's rows.
    """

    items: tuple[Item, ...]
    broken: tuple[Broken, ...] = ()
    apart: list[Apart] = field(default_factory=list)
    funnel: list[dict[str, Any]] = field(default_factory=list)
    redacted: int = 0
    leaks: tuple[Leak, ...] = ()
    taught: Taught = field(default_factory=Taught)

    def begin(self, rows: int) -> None:
        """Notes how many records were read, and how many of them are rows."""
        why = f"no row {len(self.broken)}" if self.broken else ""
        self.funnel.append({"step": "records read", "rows": rows + len(self.broken), "set apart": 0, "why": ""})
        self.funnel.append({"step": "rows", "rows": rows, "set apart": len(self.broken), "why": why})

    def step(self, name: str, done: Kept) -> None:
        """Takes what a step left, and notes it."""
        self.items = done.kept
        self.apart += done.apart
        why = ", ".join(f"{reason} {count}" for reason, count in counted(done.apart).items())
        self.funnel.append({"step": name, "rows": len(done.kept), "set apart": len(done.apart), "why": why})

    def of_side(self, side: str) -> tuple[Item, ...]:
        """Returns the rows of one split, by their ids: their sources' order is not part of what they are."""
        return tuple(sorted((item for item in self.items if item.side == side), key=lambda item: item.row.id))


def counted(apart: Sequence[Apart]) -> dict[str, int]:
    """Returns how many rows were set apart, by reason, the most frequent first."""
    return dict(Counter(each.reason for each in apart).most_common())
