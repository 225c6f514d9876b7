"""What a simulated fine-tune learns: losses that follow from the file, and answers of the nearest trained question."""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from infra.simulator.answering import embedding, tokens

_VOCABULARY = 50_000
_DIMENSIONS = 256


class Lesson(NamedTuple):
    """A line of a training file: its last question, what is to be answered, and the tokens of the whole line."""

    question: str
    answer: str
    tokens: int


class Losses(NamedTuple):
    """Of some answers: the mean loss of a token in nats, and the share of tokens that the learner would have said."""

    loss: float
    accuracy: float


class Learner:
    """Learns which token follows which.

    A token after another has the probability (pairs + P) / (firsts + 1): P is the token's share of all that was seen,
    with one of each of 50,000 tokens before anything was. So the loss begins at ln 50,000 and falls from epoch to epoch
    as the answers repeat themselves, and differs for other answers.
    """

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()
        self._after: defaultdict[str, Counter[str]] = defaultdict(Counter)

    def losses(self, answers: Sequence[str]) -> Losses:
        """Returns how well it knows some answers now."""
        total, right, count = 0.0, 0, 0
        everything = self._seen.total() + _VOCABULARY
        for answer in answers:
            for before, token in _pairs(answer):
                after = self._after.get(before, Counter())
                alone = (self._seen[token] + 1) / everything
                total -= math.log((after[token] + alone) / (after.total() + 1))
                right += bool(after) and max(after, key=lambda one: (after[one], one)) == token
                count += 1
        return Losses(total / max(1, count), right / max(1, count))

    def learn(self, answers: Sequence[str]) -> None:
        """Learns some answers."""
        for answer in answers:
            for before, token in _pairs(answer):
                self._seen[token] += 1
                self._after[before][token] += 1


class Recall:
    """Answers as the lesson does whose question shares most words; of two the first."""

    def __init__(self, lessons: Sequence[Lesson]) -> None:
        self._answers = [lesson.answer for lesson in lessons]
        self._questions = np.array([embedding(lesson.question, _DIMENSIONS) for lesson in lessons])

    def answer(self, question: str) -> str:
        """Returns the answer to a question."""
        return self._answers[int(np.argmax(self._questions @ np.array(embedding(question, _DIMENSIONS))))]


def _pairs(answer: str) -> list[tuple[str, str]]:
    said = ["", *tokens(answer), ""]
    return list(pairwise(said))
