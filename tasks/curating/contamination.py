"""Rows of one split that give away rows of another: what was measured with them would be remembered, not known."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from configs.schema.curate import Contamination
from tasks.curating.item import Apart, Item, Kept
from tasks.curating.likeness import Link, among
from tasks.data.contract import NEVER_SHARED

GIVES_AWAY = "gives another split away"
_NAMED = 5


class Leak(NamedTuple):
    """A row of one split that gives away one of another."""

    one: Item
    other: Item
    kind: str
    score: float

    def as_row(self) -> dict[str, str | float]:
        """Returns it as a line of a table; the questions are those of the items, redacted where they are."""
        return {
            "row": self.one.row.id,
            "of": self.one.side,
            "given away by": self.other.row.id,
            "in": self.other.side,
            "because": self.kind,
            "alike": self.score,
            "question": self.one.row.question[:200],
            "the other's": self.other.row.question[:200],
        }


def leaks_of(items: Sequence[Item], links: Iterable[Link], wanted: Contamination) -> tuple[Leak, ...]:
    """Returns every two items on different sides of which one gives the other away.

    Args:
        items: those without a side are passed over.
        links: between any items.
        wanted: thresholds.
    """
    of_name = {item.name: item for item in items}
    return tuple(
        Leak(one, other, link.kind, link.score)
        for link in among(links, items)
        if is_leak(one := of_name[link.one], other := of_name[link.other], link, wanted)
    )


def is_leak(one: Item, other: Item, link: Link, wanted: Contamination) -> bool:
    """Returns whether a link between rows of two splits contaminates them."""
    if one.side == other.side or not {one.side, other.side} <= set(NEVER_SHARED):
        return False
    return link.contaminates and (link.kind != "same meaning" or link.score >= wanted.meaning)


def without_leaks(items: Sequence[Item], guarded: Sequence[Item], links: Iterable[Link], wanted: Contamination) -> Kept:
    """Sets apart rows until no side gives another away: never a guarded one, and what is trained on first.

    Args:
        items: rows with their sides.
        guarded: rows of the splits that stay as they are.
        links: between any of both.
        wanted: thresholds.
    """
    apart: dict[str, Apart] = {}
    for leak in leaks_of((*guarded, *items), links, wanted):
        if (leak.one.guarded and leak.other.guarded) or {leak.one.name, leak.other.name} & apart.keys():
            continue
        loses, stays = sorted((leak.one, leak.other), key=_rather_kept)
        detail = f"{leak.score:.2f} like {stays.name} ({stays.side}): {leak.kind}"
        apart[loses.name] = Apart(loses, GIVES_AWAY, detail)
    return Kept(tuple(item for item in items if item.name not in apart), tuple(apart.values()))


def _rather_kept(item: Item) -> tuple[bool, bool, str]:
    return (item.guarded, item.side != "train", item.name)


def leaks_in_words(leaks: Sequence[Leak]) -> str:
    """Returns one line that names the rows; "" for none."""
    if not leaks:
        return ""
    named = [f"{leak.one.name} and {leak.other.name} ({leak.kind})" for leak in leaks[:_NAMED]]
    more = f" and {len(leaks) - _NAMED} more" if len(leaks) > _NAMED else ""
    return (
        f"{len(leaks)} pairs of rows contaminate the splits: {', '.join(named)}{more}; take one row of each pair out "
        f"of its file, or raise `curate.contamination` in app.yaml where they are different questions"
    )
