"""How much of an answer that is being written can be let go: what comes next may yet make a whole of its end."""

import re

_WORD = re.compile(r"[^\s。、，！？]+")
_OPEN = re.compile(r"[\d@:]|^[A-Z]{1,4}$|^[(+\[]+$")
"""What can be a part of personal data that blanks divide: digits, groups of an IBAN, an opening bracket."""


def before_open_end(text: str) -> int:
    """Returns the place up to which no personal data can be unfinished: before the last word, and numbers before it."""
    held = len(text)
    for start, end in reversed([word.span() for word in _WORD.finditer(text)]):
        if end < len(text) and not _OPEN.search(text[start:end]):
            break
        held = start
    return held


def before_last_words(text: str, words: int) -> int:
    """Returns the place before a text's last so many words, 0 where it has fewer; the very last may be unfinished."""
    starts = [word.start() for word in _WORD.finditer(text) if any(map(str.isalnum, word.group()))]
    return starts[-words] if len(starts) >= words else 0
