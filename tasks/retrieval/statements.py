"""What a passage says, statement by statement, and what a question asks of the passage's subject.

A document about the right thing is near to every question about that thing, whether or not it answers it. Without the
name that both share, a question is near only to a statement that is about what was asked.
"""

from collections.abc import Sequence
from typing import NamedTuple

import regex

from tasks.retrieval.names import names_in
from tasks.scoring.words import normalised, sentences

_SUBJECT = regex.compile(r"\s*([^:;.!?\n]{1,80}):\s")
_STATEMENT_END = regex.compile(r";\s")
_WORD = regex.compile(r"[\p{L}\p{M}\p{Nd}'’-]+")


class Said(NamedTuple):
    """A passage taken apart.

    Attributes:
        subject: what it is about, as it says before its first colon; "" where it does not begin so.
        statements: what it says, cut at the ends of sentences and lines and at semicolons.
    """

    subject: str
    statements: tuple[str, ...]

    def text_of(self, places: Sequence[int]) -> str:
        """Returns a passage about the same subject that says only the statements at these places, in their order."""
        chosen = [self.statements[place] for place in places]
        said = " ".join(part if part[-1] in ".!?" else f"{part};" for part in chosen).rstrip(";")
        return f"{self.subject}: {said}" if self.subject else said


def said_in(passage: str) -> Said:
    """Takes a passage apart."""
    opening = _SUBJECT.match(passage)
    rest = passage[opening.end() :] if opening else passage
    parts = [part.strip() for sentence in sentences(rest) for part in _STATEMENT_END.split(sentence)]
    return Said(opening.group(1).strip() if opening else "", tuple(part for part in parts if part))


def asked_of(question: str, subject: str) -> str:
    """Returns a question without the words of a passage's subject; "" where nothing else is asked.

    Only words that the question writes alike are the subject's name: to the passage `Newsletter: …` a question about
    "the newsletter" says with that word what is asked. Where a passage names no subject, the question's names are it.
    """
    names = (subject,) if subject else names_in(question)
    named = {word for name in names for word in _WORD.findall(name)}

    def without(word: "regex.Match[str]") -> str:
        bare = word.group().replace("’", "'").removesuffix("'s")
        return "" if bare in named or (not subject and normalised(bare) in named) else word.group()

    left = _WORD.sub(without, question)
    return " ".join(left.split()) if _WORD.search(left) else ""
