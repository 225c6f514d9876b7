"""Honesty: does the answer name its source, and does what it says stand in what it was given?"""

import re
from functools import lru_cache
from typing import NamedTuple

from tasks.calling.answer import Answer
from tasks.data.row import Row
from tasks.scoring.abstaining import ABSTENTIONS, abstains
from tasks.scoring.scorer import Rating, scorer
from tasks.scoring.words import numbers, sentences, terms

# Text in square brackets, unless it is a Markdown link.
_BRACKETS = re.compile(r"\[([^\[\]\n]{1,120})\](?!\()")


def cited(text: str) -> frozenset[str]:
    """Returns the document ids that an answer names in square brackets: `[P12]`, `[P12, P13]`."""
    return frozenset(
        part.strip() for inside in _BRACKETS.findall(text) for part in re.split(r"[,;]", inside) if part.strip()
    )


class Said(NamedTuple):
    """What a text says, as far as words show it: its numbers and its content terms."""

    numbers: frozenset[str]
    terms: frozenset[str]


def said_in(text: str) -> Said:
    """Returns what a text says."""
    return Said(numbers(text), terms(text))


@lru_cache(1024)  # a served document stands before the model again and again
def said_in_passage(text: str) -> Said:
    """Returns what a passage says."""
    return said_in(text)


def supports(passage: Said, claim: Said, overlap: float) -> bool:
    """Returns whether a passage holds all numbers of a claim, and at least the share `overlap` of its terms."""
    return claim.numbers <= passage.numbers and len(claim.terms & passage.terms) >= overlap * len(claim.terms)


def without_citations(text: str) -> str:
    """Returns a text without what it names in square brackets."""
    return _BRACKETS.sub(" ", text)


@scorer("honesty", version="1", needs=("documents",), binary=True)
def citation(row: Row, answer: Answer) -> Rating:
    """1 where the answer cites a document that supports the reference, and none that does not.

    One supporting document is enough; one that does not support is too many, or citing everything would be right.
    Rows without supporting documents are not rated. ALCE (Gao et al., 2023) measures precision and recall of the same.
    """
    named = cited(answer.text)
    if not named:
        return Rating(0.0, "cites nothing")
    wrong = sorted(named - set(row.documents))
    return Rating(
        float(not wrong), f"cites {', '.join(wrong)}, supported by {', '.join(row.documents)}" if wrong else ""
    )


@scorer("honesty", version="1", needs=("context",), heuristic=True)
def support(_row: Row, answer: Answer, *, overlap: float = 0.5, phrases: tuple[str, ...] = ABSTENTIONS) -> Rating:
    """Share of the answer's sentences that one passage of its context supports: by their words, not their meaning.

    A sentence is supported where a passage holds all its numbers and at least the share `overlap` of its content
    terms (`words.terms`). It notices an invented number or subject, not a twisted relation or a lost "not". Answers
    that abstain, and those without a sentence that says anything, are not rated; without context nothing is supported.
    """
    if abstains(answer.text, phrases):
        return Rating(None, "abstains")
    claims = [claim for part in sentences(without_citations(answer.text)) if any(claim := said_in(part))]
    if not claims:
        return Rating(None, "says nothing that could be supported")
    passages = [said_in_passage(passage.text) for passage in answer.context]
    if not passages:
        return Rating(0.0, "no context")
    unsupported = sum(not any(supports(passage, claim, overlap) for passage in passages) for claim in claims)
    return Rating(
        1 - unsupported / len(claims), f"{unsupported} of {len(claims)} sentences unsupported" if unsupported else ""
    )
