"""Quality of form: does the answer match a pattern, how many characters must change to make it the reference?"""

import regex

from tasks.calling.answer import Answer
from tasks.data.row import Row
from tasks.scoring.scorer import Rating, scorer
from tasks.scoring.words import normalised

_PATTERN_S = 1.0
"""Seconds one search may take: a pattern that backtracks for ever is the instrument's failure."""


def check_pattern(pattern: str) -> None:
    """Refuses a text that is no regular expression.

    Raises:
        ValueError: says what is wrong and where.
    """
    try:
        regex.compile(pattern)
    except regex.error as error:
        raise ValueError(f"{pattern!r} is no regular expression: {error}") from None


def matches(pattern: str, text: str) -> bool:
    """Returns whether a regular expression is found in a text, line ends being text like any other.

    Raises:
        TimeoutError: the pattern takes longer than a second, as one that backtracks without end does.
        ValueError: it is no regular expression.
    """
    check_pattern(pattern)
    return regex.search(pattern, text, flags=regex.DOTALL, timeout=_PATTERN_S) is not None


def _check(*, pattern: str) -> None:
    if not pattern:
        raise ValueError("`pattern` is not set; give a regular expression")
    check_pattern(pattern)


@scorer("quality", version="1", binary=True, check=_check)
def regex_match(_row: Row, answer: Answer, *, pattern: str = "") -> Rating:
    """1 where the regular expression `pattern` is found in the answer.

    The syntax is that of the library `regex`, a superset of Python's `re`; `(?i)` at its beginning ignores case, `^`
    and `$` hold it to the whole answer.
    """
    return Rating(float(matches(pattern, answer.text)))


@scorer("quality", version="1", needs=("reference",))
def string_similarity(row: Row, answer: Answer) -> Rating:
    """Share of characters that need not change to make the answer the reference.

    1 - d / n, d the edit distance of Levenshtein (1966) as RapidFuzz counts it and n the length of the longer text;
    case, blanks and the kind of a character's encoding (NFKC) do not count.
    """
    from rapidfuzz.distance import Levenshtein

    return Rating(Levenshtein.normalized_similarity(normalised(answer.text), normalised(row.reference)))
