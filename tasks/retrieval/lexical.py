"""Finds chunks by their words: BM25, which counts what question and chunk share and how rare it is.

Robertson and Zaragoza (2009) describe it; this is Lucene's form of it, k1 1.5, b 0.75, by the library bm25s.
"""

import logging
from collections.abc import Sequence

import regex

from tasks.retrieval.vectors import Near
from tasks.scoring.words import normalised

_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_RUN = regex.compile(
    rf"""
      \p{{Nd}}+(?:[.,]\p{{Nd}}+)*                                # a number, its separators inside it
    | [{_UNSPACED}][{_UNSPACED}\p{{M}}]*                          # a run of a script whose words are not parted
    | (?:(?![{_UNSPACED}])\p{{L}})(?:(?![{_UNSPACED}])[\p{{L}}\p{{M}}\p{{Nd}}])*  # a word
    """,
    regex.VERBOSE,
)
_BEGINS_UNSPACED = regex.compile(rf"[{_UNSPACED}]")


class Lexical:
    """The words of an index's chunks.

    Args:
        texts: the chunks, in the index's order.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        import bm25s

        logging.getLogger("bm25s").setLevel(logging.WARNING)  # it tells each step
        terms = [search_terms(text) for text in texts]
        self._found = bm25s.BM25()
        if any(terms):
            self._found.index(terms, show_progress=False)
        self._known = frozenset(term for of_text in terms for term in of_text)

    def nearest(self, question: str, count: int) -> list[Near]:
        """Returns at most `count` chunks that share a word with the question, the best first.

        `score` is BM25's; chunks that tie come in the index's order.
        """
        asked = [term for term in search_terms(question) if term in self._known]
        if not asked:
            return []
        scores = self._found.get_scores(asked).round(4)
        best = (-scores).argsort(kind="stable")[:count]
        return [Near(int(at), float(scores[at])) for at in best if scores[at] > 0]


def search_terms(text: str) -> list[str]:
    """Returns what is looked up of a text: its words and numbers in lower case, as often as they stand there.

    Of scripts without spaces, and of Korean, whose particles are glued to its words, the pairs of neighbouring
    characters, as search engines do.
    """
    found: list[str] = []
    for run in _RUN.findall(normalised(text)):
        if _BEGINS_UNSPACED.match(run):
            found += [run[at : at + 2] for at in range(max(1, len(run) - 1))]
        else:
            found.append(run)
    return found
