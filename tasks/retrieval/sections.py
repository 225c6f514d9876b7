"""Cuts Markdown into its sections, each with the headings that stand above it."""

from itertools import pairwise
from typing import NamedTuple


class Section(NamedTuple):
    """The text below one heading, up to the next of any level.

    `path` are the headings above it, the document's own first; () for what stands before the first heading.
    """

    path: tuple[str, ...]
    text: str


def sections_of(markdown: str) -> tuple[Section, ...]:
    """Returns the sections that hold text, in their order.

    Headings are those of CommonMark, underlined ones too; `#` inside a block of code is none. A heading with nothing
    below it but further headings is in their paths alone.
    """
    from markdown_it import MarkdownIt

    # As the parser counts lines: a form feed or another separator ends none.
    lines = markdown.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    tokens = MarkdownIt("commonmark").disable("inline").parse(markdown)
    headings = [
        (opening.map, int(opening.tag[1:]), " ".join(inside.content.split()))
        for opening, inside in pairwise(tokens)
        if opening.type == "heading_open" and opening.level == 0 and opening.map
    ]
    found: list[Section] = []
    path: list[tuple[int, str]] = []
    begin = 0
    for (start, end), level, title in headings:
        _add(found, path, lines[begin:start])
        path = [*(each for each in path if each[0] < level), (level, title)]
        begin = end
    _add(found, path, lines[begin:])
    return tuple(found)


def _add(found: list[Section], path: list[tuple[int, str]], lines: list[str]) -> None:
    if text := "\n".join(lines).strip():
        found.append(Section(tuple(title for _, title in path if title), text))
