"""How good a classification is, label by label: precision, recall and F1, with intervals."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from scipy.special import ndtri

from tasks.statistics.intervals import wilson


class Rate(NamedTuple):
    """A share with its interval; None where nothing was counted. `n` is what it is a share of."""

    value: float | None
    low: float | None
    high: float | None
    n: int


class OfLabel(NamedTuple):
    """How well one label is told.

    `n` counts the rows that have it, `said` the answers that give it. `f1` is the harmonic mean of precision and
    recall, 2·right / (n + said); it is no share of rows, and has no Wilson interval.
    """

    label: str
    n: int
    said: int
    precision: Rate
    recall: Rate
    f1: float


class Classification(NamedTuple):
    """The labels, most frequent first, and what they come to together.

    `macro_f1` is the plain mean of the labels' F1 (Opitz and Burst, 2019), so that a rare label weighs as much as a
    frequent one; None for no rows.
    """

    labels: tuple[OfLabel, ...]
    accuracy: Rate
    macro_f1: float | None


def classification(said: Sequence[str | None], true: Sequence[str], confidence: float = 0.95) -> Classification:
    """Returns precision, recall and F1 of each label that any row has or any answer gives.

    Args:
        said: the label that each answer gives; None where it gives none, which is wrong.
        true: the label of each row, in the same order.
        confidence: level of the Wilson intervals (Wilson, 1927), which take rows for independent.

    Raises:
        ValueError: there are not as many of the one as of the other.
    """
    quantile = float(ndtri((1 + confidence) / 2))
    pairs = list(zip(said, true, strict=True))
    have, give = Counter(true), Counter(label for label in said if label is not None)
    hits = Counter(true for given, true in pairs if given == true)
    table = [_of_label(label, have[label], give[label], hits[label], quantile) for label in have | give]
    table.sort(key=lambda each: (-each.n, each.label))
    macro = sum(each.f1 for each in table) / len(table) if table else None
    return Classification(tuple(table), _rate(hits.total(), len(pairs), quantile), macro)


def _of_label(label: str, n: int, said: int, right: int, quantile: float) -> OfLabel:
    return OfLabel(label, n, said, _rate(right, said, quantile), _rate(right, n, quantile), 2 * right / (n + said))


def _rate(count: int, n: int, quantile: float) -> Rate:
    if n == 0:
        return Rate(None, None, None, 0)
    low, high = wilson(count / n, n, quantile)
    return Rate(count / n, low, high, n)
