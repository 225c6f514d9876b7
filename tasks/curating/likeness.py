"""Which rows are the same, and in what: the same question, nearly its words, its meaning, or its answer."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Literal, NamedTuple

from configs.schema.curate import Contamination, Duplicates
from tasks.curating.containing import contained_pairs
from tasks.curating.item import Item
from tasks.curating.meaning import alike_pairs
from tasks.curating.near import Pair, near_pairs
from tasks.curating.text import Text, answer_of, jaccard, question_of
from tasks.scoring.abstaining import abstains

if TYPE_CHECKING:
    import numpy as np

Kind = Literal["same question", "nearly the same words", "same meaning", "holds the question", "same answer"]

_TEMPLATE = 5
"""Questions from which on an answer that they share is a class or a phrase, and says nothing of any of them."""
_WORDS_IN_COMMON = 0.5


class Link(NamedTuple):
    """Two items that are the same in something.

    Attributes:
        one: name of the item that comes first.
        other: name of the other.
        kind: in what.
        score: how alike they are, 0 to 1.
        agrees: whether their answers say the same, as far as both have one.
    """

    one: str
    other: str
    kind: Kind
    score: float
    agrees: bool

    def across(self, name: str) -> str:
        """Returns the name of the other of the two."""
        return self.other if self.one == name else self.one

    @property
    def contaminates(self) -> bool:
        """Whether one of them gives the other away, where they stand on different sides."""
        return self.agrees or self.kind == "same question"

    def duplicates(self, wanted: Duplicates) -> bool:
        """Whether one of them is enough."""
        if self.kind == "same meaning":
            return self.agrees and self.score >= wanted.meaning
        return self.agrees and self.kind in ("same question", "nearly the same words")


def links_of(
    items: Sequence[Item], vectors: "np.ndarray | None", duplicates: Duplicates, contamination: Contamination
) -> tuple[Link, ...]:
    """Returns every two items that are the same in something, each pair once, by the strongest kind.

    Rows about the same thing are not the same: where the words differ, they must have the same numbers, and the
    clusters that their datasets name must not differ.

    Args:
        items: all that are to be compared with each other; no two of one name.
        vectors: the embedding of each item's question; None to compare words alone.
        duplicates: thresholds of duplicates.
        contamination: thresholds of contamination.
    """
    questions = [question_of(item) for item in items]
    found: dict[tuple[int, int], Link] = {}

    def add(kind: Kind, pairs: Iterator[Pair]) -> None:
        for one, other, score in pairs:
            if (one, other) in found or not _comparable(items, questions, one, other, kind):
                continue
            agrees = kind == "same answer" or answers_agree(items[one], items[other])
            found[one, other] = Link(items[one].name, items[other].name, kind, round(score, 4), agrees)

    same = _positions(questions)
    add("same question", _all_of(same))
    add("nearly the same words", _spread(near_pairs([questions[at[0]] for at in same], duplicates.overlap), same))
    if vectors is not None:
        first = vectors[[at[0] for at in same]] if same else vectors
        add("same meaning", _spread(alike_pairs(first, min(duplicates.meaning, contamination.meaning)), same))
    of_question = [questions[at[0]] for at in same]
    add("holds the question", _spread(contained_pairs(of_question, contamination.ngram, contamination.overlap), same))
    add("same answer", _same_answers(items, questions, vectors, contamination))
    return tuple(found[pair] for pair in sorted(found))


def among(links: Iterable[Link], items: Iterable[Item]) -> tuple[Link, ...]:
    """Returns the links of which both ends are among some items."""
    names = {item.name for item in items}
    return tuple(link for link in links if link.one in names and link.other in names)


def answers_agree(one: Item, other: Item) -> bool:
    """Returns whether two rows' answers say the same, as far as words show it; True where one has none."""
    if not one.row.reference.strip() or not other.row.reference.strip():
        return True
    known = (one.row.answerable, other.row.answerable)
    if None not in known and known[0] != known[1]:
        return False
    first, second = answer_of(one), answer_of(other)
    if first.words == second.words:
        return True
    return set(first.numbers) == set(second.numbers) and (
        jaccard(frozenset(first.words), frozenset(second.words)) >= _WORDS_IN_COMMON
    )


def _comparable(items: Sequence[Item], questions: Sequence[Text], one: int, other: int, kind: Kind) -> bool:
    if kind in ("same question", "same answer"):
        return True
    first, second = items[one], items[other]
    if first.clustered and second.clustered and first.row.cluster != second.row.cluster:
        return False
    short, long = sorted((questions[one], questions[other]), key=lambda text: len(text.words))
    if kind == "holds the question":
        return set(short.numbers) <= set(long.numbers)
    return sorted(short.numbers) == sorted(long.numbers)


def _positions(questions: Sequence[Text]) -> list[list[int]]:
    """Returns the positions of each question, those of the same words together."""
    found: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for position, question in enumerate(questions):
        found[question.words].append(position)
    return list(found.values())


def _all_of(same: Sequence[Sequence[int]]) -> Iterator[Pair]:
    for positions in same:
        for one, other in combinations(positions, 2):
            yield Pair(one, other, 1.0)


def _spread(pairs: Iterator[Pair], same: Sequence[Sequence[int]]) -> Iterator[Pair]:
    """Yields pairs of items for pairs of questions."""
    for first, second, score in pairs:
        for one in same[first]:
            for other in same[second]:
                yield Pair(min(one, other), max(one, other), score)


def _same_answers(
    items: Sequence[Item], questions: Sequence[Text], vectors: "np.ndarray | None", wanted: Contamination
) -> Iterator[Pair]:
    """Yields the pairs whose answers are the same in every word, and whose questions are alike.

    Only answers that say something of their own: longer than a run, known, and not those of many questions.
    """
    for positions in _by_answer(items, wanted.ngram):
        asked = {questions[at].words for at in positions}
        if not 1 < len(asked) <= _TEMPLATE:
            continue
        for one, other in combinations(positions, 2):
            if vectors is not None:
                score = float(vectors[one] @ vectors[other])
                enough = wanted.same_answer
            else:
                score = jaccard(frozenset(questions[one].words), frozenset(questions[other].words))
                enough = _WORDS_IN_COMMON
            if score >= enough:
                yield Pair(one, other, min(1.0, score))


def _by_answer(items: Sequence[Item], n: int) -> Iterator[list[int]]:
    found: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for position, item in enumerate(items):
        words = answer_of(item).words
        if len(words) > n and item.row.answerable is not False and not abstains(item.row.reference):
            found[words].append(position)
    yield from found.values()
