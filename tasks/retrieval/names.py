"""The names in a question, and whether a passage holds them: is what was asked about in the documents at all?

An embedding finds the nearest passage to a question about a product that does not exist, and a small model answers
from it. A name is what is written with a capital inside a sentence, so this says something in languages that write
names alone so (English, French, Spanish, …), not in German, and nothing where people write all in lower case.
"""

import calendar
from functools import cache

import regex
from rapidfuzz import fuzz

from tasks.scoring.words import normalised, sentence_spans

_NAME = regex.compile(
    r"""
    \p{Lu}[\p{L}\p{M}\p{Nd}'’-]+                 # a word with a capital
    (?:\s+(?:
        \p{Lu}[\p{L}\p{M}\p{Nd}'’-]*             # further ones
        | \p{Nd}+\b(?!\s*(?:%|\p{Ll}{1,2}\b))    # and numbers, unless a unit follows
    ))*
    """,
    regex.VERBOSE,
)
_IS_NO_NAME = regex.compile(r"I['’]\p{Ll}+|\p{Lu}{2,3}")
"""`I'm` and `I've`; and short abbreviations: `US`, `UV`, `LED` say where or of what kind, seldom which."""
_OPENING = regex.compile(r"[\p{P}\s]*[\p{L}\p{M}'’]+")
_ALIKE = 90
"""Of 100: one wrong letter in ten is a slip, not another name."""


def names_in(question: str) -> tuple[str, ...]:
    """Returns the names in a question, each once; none of a word that only begins its sentence, and of no date."""
    found: dict[str, None] = {}
    for start, stop in sentence_spans(question):
        sentence = question[start:stop]
        opening = _OPENING.match(sentence)
        after = opening.end() if opening else 0
        for match in _NAME.finditer(sentence, after):
            name = normalised(match.group()).removesuffix("'s")
            if name.split()[0] not in _dates() and not _IS_NO_NAME.fullmatch(match.group()):
                found[name] = None
    return tuple(found)


def holds(passage: str, names: tuple[str, ...]) -> bool:
    """Returns whether a passage holds every name, in any case, a slip of the pen allowed."""
    text = normalised(passage)
    return all(_holds(text, name) for name in names)


def _holds(text: str, name: str) -> bool:
    if regex.search(rf"\b{regex.escape(name)}(?:s|es)?\b", text):
        return True
    *words, last = name.split()
    if last.isdecimal():
        # Models of one make differ by their number alone: it is no slip.
        return bool(regex.search(rf"\b{last}\b", text)) and (not words or _holds(text, " ".join(words)))
    return len(name) >= 5 and fuzz.partial_ratio(name, text) >= _ALIKE


@cache
def _dates() -> frozenset[str]:
    """The names of days and months in English; other languages write them small."""
    return frozenset(normalised(name) for name in (*calendar.day_name, *calendar.month_name) if name)
