"""Sections of Markdown, each with the headings above it."""

import pytest

from tasks.retrieval.sections import Section, sections_of

HANDBOOK = "# Handbook\nHello.\n## Warranty\nFive years.\n## Returns\nThirty days."
SECTIONS = (
    Section(("Handbook",), "Hello."),
    Section(("Handbook", "Warranty"), "Five years."),
    Section(("Handbook", "Returns"), "Thirty days."),
)


def test_a_section_has_the_headings_above_it():
    assert sections_of(HANDBOOK) == SECTIONS
    assert sections_of(HANDBOOK.replace("\n", "\r\n")) == SECTIONS


@pytest.mark.parametrize("separator", ["\f", "\v", "\x85", "\u2028"])
def test_what_ends_no_line_of_markdown_moves_no_section(separator):
    assert sections_of(HANDBOOK.replace("Hello.", f"Hello.{separator}Again."))[1:] == SECTIONS[1:]


def test_headings_alone_are_no_section():
    assert sections_of("# One\n## Two\n") == ()
