"""Of rows that are one, the one that is kept, and why."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from configs.schema.curate import Duplicates
from tasks.curating.item import DATASET, FILE, SYNTHETIC, TRACE, Apart, Item, Kept
from tasks.curating.likeness import Link, among

CONTRADICTS = "contradicts another row"
_SOURCES = {DATASET: "a dataset's", FILE: "a file's", TRACE: "a request", SYNTHETIC: "synthetic"}


def deduplicate(items: Sequence[Item], links: Iterable[Link], wanted: Duplicates) -> Kept:
    """Keeps one of each set of rows that are one.

    A row is dropped only for one that is kept and goes before it: labelled before unlabelled, a dataset's before a
    file's, a request or a synthetic one, then by id. So which rows are kept does not depend on their order; no two of
    them are duplicates; and doing it again drops none. Rows of one kind of source that ask the same and are answered
    otherwise are all set apart: which of them is right a person must say. Of two kinds, the lower one's is.

    Args:
        items: rows that may be dropped.
        links: between any items; those with others are passed over.
        wanted: thresholds.
    """
    of_name = {item.name: item for item in items}
    links = among(links, items)
    apart = _contradicting(of_name, links)
    same: dict[str, list[Link]] = defaultdict(list)
    for link in links:
        if link.duplicates(wanted):
            same[link.one].append(link)
            same[link.other].append(link)
    kept: set[str] = set()
    for item in sorted(items, key=_standing):
        if item.name in apart:
            continue
        before = [link for link in same[item.name] if link.across(item.name) in kept]
        if not before:
            kept.add(item.name)
            continue
        link = max(before, key=lambda each: (each.score, each.across(item.name)))
        why = _why(of_name[link.across(item.name)], item, link)
        apart[item.name] = Apart(item, f"duplicate: {link.kind}", why)
    return Kept(tuple(item for item in items if item.name in kept), tuple(apart.values()))


def _contradicting(of_name: dict[str, Item], links: Sequence[Link]) -> dict[str, Apart]:
    found: dict[str, Apart] = {}
    for link in links:
        if link.kind != "same question" or link.agrees:
            continue
        for name in (link.one, link.other):
            item, across = of_name[name], of_name[link.across(name)]
            if item.rank >= across.rank:
                detail = f"{across.name} has the same question and another answer"
                found.setdefault(name, Apart(item, CONTRADICTS, detail))
    return found


def _standing(item: Item) -> tuple[bool, int, str, str]:
    return (not item.row.reference.strip(), item.rank, item.row.id, item.source)


def _why(kept: Item, dropped: Item, link: Link) -> str:
    if bool(kept.row.reference.strip()) != bool(dropped.row.reference.strip()):
        why = "which is labelled"
    elif kept.rank != dropped.rank:
        why = f"which is {_SOURCES[kept.rank]}"
    else:
        why = "whose id comes first"
    return f"{link.score:.2f} like {kept.name}, {why}"
