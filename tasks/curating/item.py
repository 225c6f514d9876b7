"""A row on its way into a curated dataset, and one that was set apart on the way."""

from dataclasses import dataclass, replace
from typing import NamedTuple

from tasks.data.row import Row

DATASET, FILE, TRACE, SYNTHETIC = 0, 1, 2, 3
"""Ranks of sources: of two rows that are one, the one of the lower rank is kept."""


@dataclass(frozen=True, slots=True)
class Item:
    """A row and where it comes from.

    Attributes:
        row: the row; its id is unique among all items.
        source: what people are told: a split's name, a file's path, `traces` or `synthetic`.
        rank: `DATASET`, `FILE`, `TRACE` or `SYNTHETIC`.
        side: the split that it stays in; "" where it may become part of any.
        guarded: True for a row of a split that stays as it is.
        about: its class; "" where there are none.
        clustered: whether its dataset says what it is about; where not, its cluster is its own id.
    """

    row: Row
    source: str
    rank: int
    side: str = ""
    guarded: bool = False
    about: str = ""
    clustered: bool = False

    def with_row(self, row: Row) -> "Item":
        """Returns the item with its row changed."""
        return replace(self, row=row)

    @property
    def name(self) -> str:
        """What a row is called in a line, unlike any other: `production row p-17`."""
        return f"{self.source} row {self.row.id}"


class Apart(NamedTuple):
    """A row that is not kept, and why.

    Attributes:
        item: the row, its personal data redacted.
        reason: in a word or two, the same for all such rows: they are counted by it.
        detail: what it was here, such as the row that it repeats.
    """

    item: Item
    reason: str
    detail: str = ""


class Kept(NamedTuple):
    """What a step leaves, in its order, and what it sets apart."""

    kept: tuple[Item, ...]
    apart: tuple[Apart, ...]


class Broken(NamedTuple):
    """A record of a file that is no row."""

    where: str
    cause: str


def texts_of(row: Row) -> tuple[str, ...]:
    """Returns every text of a row that a person or a model wrote: its messages and its reference."""
    return (*(message.content for message in row.messages), row.reference)
