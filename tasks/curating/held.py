"""Rows that the app's own splits have already: what is curated adds to them, and repeats none."""

from collections.abc import Iterable, Sequence

from tasks.curating.item import Apart, Item, Kept
from tasks.curating.likeness import Link, among


def without_held(items: Sequence[Item], guarded: Sequence[Item], links: Iterable[Link]) -> Kept:
    """Sets apart the rows that may become part of any split and that a guarded split has already.

    Args:
        items: rows of sources; those that are to keep their side are looked at with the leaks.
        guarded: rows of the splits that stay as they are.
        links: between any of both.
    """
    held = {item.name: item for item in guarded}
    of_name = {item.name: item for item in items}
    apart: dict[str, Apart] = {}
    for link in among(links, (*guarded, *items)):
        for name in (link.one, link.other):
            item, across = of_name.get(name), held.get(link.across(name))
            if item is None or across is None or not link.contaminates or item.side not in ("", across.side):
                continue
            detail = f"{link.score:.2f} like {across.name}: {link.kind}"
            apart.setdefault(name, Apart(item, f"{across.side} has it already", detail))
    return Kept(tuple(item for item in items if item.name not in apart), tuple(apart.values()))
