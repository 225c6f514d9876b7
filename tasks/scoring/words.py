"""Text of any language cut into what scorers count: tokens, terms and sentences."""

import unicodedata
from collections.abc import Iterator
from itertools import chain

import regex

_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_TOKEN = regex.compile(
    rf"""
      \p{{Nd}}+(?:[.,]\p{{Nd}}+)*          # a number, its separators inside it
    | [{_UNSPACED}]\p{{M}}*                # one character of a script whose words are not parted by spaces
    | (?:(?![{_UNSPACED}])[\p{{L}}\p{{M}}])(?:(?![{_UNSPACED}])[\p{{L}}\p{{M}}\p{{Nd}}]|['’](?=\p{{L}}))*  # a word
    """,
    regex.VERBOSE,
)
_RUN = regex.compile(rf"[{_UNSPACED}][{_UNSPACED}\p{{M}}]*|(?:(?![{_UNSPACED}])[\p{{L}}\p{{M}}'’])+")
_BEGINS_UNSPACED = regex.compile(rf"[{_UNSPACED}]")
_THOUSANDS = regex.compile(r"(?<=\p{Nd}),(?=\p{Nd}{3}(?!\p{Nd}))")
_SENTENCE_END = regex.compile(r"(?<=[.!?…]['\"”’)\]]*)\s+|(?<=[。！？])|[\n;]+")
_FUNCTION_WORDS = frozenset({
    "about", "also", "been", "does", "from", "have", "into", "more", "only", "that", "their", "them", "then", "there",
    "these", "they", "this", "those", "were", "what", "when", "which", "will", "with", "would", "your",
})  # fmt: skip


def normalised(text: str) -> str:
    """Returns text with compatible characters made one (NFKC), in lower case, its blanks made single."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().replace("’", "'").split())


def tokens(text: str) -> list[str]:
    """Cuts text into comparable tokens; punctuation falls away.

    A number is one token (`2.1kg` is `2.1` and `kg`; `1,200` is `1200`), a word between spaces is one token, and each
    character of Chinese, Japanese, Korean, Thai, Lao, Khmer or Burmese is one. Korean does write spaces, but its
    particles are glued to the word, so that `방수` and `방수가` would never match: KorQuAD 1.0 (Lim et al., 2019)
    counts its F1 over characters for that reason, and MLQA (Lewis et al., 2020) those of Chinese.
    """
    return [match.group() for match in _TOKEN.finditer(_THOUSANDS.sub("", normalised(text)))]


def numbers(text: str) -> frozenset[str]:
    """Returns the numbers in text, without thousands separators; the digits of a name such as `P12` are none."""
    return frozenset(token for token in tokens(text) if token[0].isdecimal())


def terms(text: str) -> frozenset[str]:
    """Returns the text's content terms, roughly stemmed, to tell what it speaks of.

    Words of four letters or more without common English function words, cut to their first five letters (so that
    `weighs` meets `weight`); of scripts without spaces the pairs of neighbouring characters, as search engines do.
    """
    found: set[str] = set()
    for run in _RUN.findall(normalised(text)):
        if _BEGINS_UNSPACED.match(run):
            found.update(run[at : at + 2] for at in range(max(1, len(run) - 1)))
        elif len(run) >= 4 and run not in _FUNCTION_WORDS:
            found.add(run[:5])
    return frozenset(found)


def sentences(text: str) -> list[str]:
    """Cuts text at the ends of sentences and lines; a dot inside a number ends none."""
    return [text[start:stop] for start, stop in sentence_spans(text)]


def sentence_spans(text: str) -> Iterator[tuple[int, int]]:
    """Yields where each sentence begins and ends, without the blanks around it."""
    begin, end = 0, (len(text), len(text))
    for start, stop in chain((match.span() for match in _SENTENCE_END.finditer(text)), [end]):
        part = text[begin:start]
        if inside := part.strip():
            first = begin + part.index(inside)
            yield first, first + len(inside)
        begin = stop
