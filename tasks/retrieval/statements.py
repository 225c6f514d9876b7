"""What a passage says, statement by statement, and what a question asks of the passage's subject.

A document about the right thing is near to every question about that thing, whether or not it answers it. Without the
name that both share, a question is near only to a statement that is about what was asked.
"""

from collections.abc import Sequence
from typing import NamedTuple

import regex

from tasks.retrieval.names import names_in
from tasks.scoring.words import normalised, sentences

_SUBJECT = regex.compile(r"\s*#*\s*((?:[^\s:;.!?]+[^\S\n]+){0,7}?[^\s:;.!?]+):\s")
"""A few words before a colon; more are a sentence."""
_BELOW = " › "
"""Between the headings above a section, the document's title first."""


class Said(NamedTuple):
    """A passage taken apart.

    Attributes:
        subject: what it is about, as it says before its first colon; "" where it does not begin so.
        statements: what it says, cut at the ends of sentences and lines and at semicolons; of a section below a
            document's title each with the section's headings before it.
    """

    subject: str
    statements: tuple[str, ...]

    def text_of(self, places: Sequence[int]) -> str:
        """Returns a passage about the same subject that says only the statements at these places, in their order."""
        chosen = [self.statements[place] for place in places]
        said = " ".join(part if part[-1] in ".!?;" else f"{part};" for part in chosen).rstrip(";")
        return f"{self.subject}: {said}" if self.subject else said


def said_in(passage: str) -> Said:
    """Takes a passage apart."""
    opening = _SUBJECT.match(passage)
    title, *headings = opening.group(1).split(_BELOW) if opening else [""]
    parts = sentences(passage[opening.end() :] if opening else passage)
    below = f"{_BELOW.join(headings)}: " if headings else ""
    return Said(title.strip(), tuple(f"{below}{part.rstrip(';')}" for part in parts))


def asked_of(question: str, subject: str) -> str:
    """Returns a question without the name of a passage's subject; "" where nothing else is asked.

    The name is the subject as it stands, and a name in the question that is part of it (`the Larkspur`, of `Larkspur
    2`). What is no proper name is one only where the question writes it alike: to the passage `Gift cards: …` a
    question about "gift cards" says with these words what is asked. Where a passage names no subject, all names go.
    """
    words = subject.split()
    proper = len(words) > 1 and all(word[0].isupper() or word[0].isdigit() for word in words)
    known = set(normalised(subject).split())
    names = [name for name in names_in(question) if not subject or set(name.split()) <= known]
    left = _without(question, subject, any_case=proper) if subject else question
    for name in names:
        left = _without(left, name, any_case=True)
    return " ".join(left.split()) if regex.search(r"\p{L}", left) else ""


def _without(text: str, name: str, *, any_case: bool) -> str:
    spaced = r"\s+".join(regex.escape(word) for word in name.split())
    return regex.sub(rf"\b{spaced}(?:['’]s)?(?!\w)", "", text, flags=regex.IGNORECASE if any_case else 0)
