"""Intents drawn from Banking77 (Casanueva et al. 2020, arXiv:2003.04807): messages to a bank, each with its label.

The data are read from wherever their `train.csv` lies; none of them are part of this project.
"""

import csv
import random
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from configs.errors import DataError
from tasks.scoring.words import tokens

FILE = "train.csv"
_SEED = 7
_INTENTS, _TRAIN, _UNSEEN = 10, 30, 20
"""How many intents, and how many messages of each."""


class Query(NamedTuple):
    """A customer's message, and the intent that people gave it."""

    text: str
    label: str


class Intents(NamedTuple):
    """A task of sorting messages; no text is on both sides.

    Attributes:
        labels: the intents, sorted.
        train: messages to learn from, as many of each intent.
        unseen: messages to be sorted, as many of each intent.
    """

    labels: tuple[str, ...]
    train: tuple[Query, ...]
    unseen: tuple[Query, ...]


def read_queries(folder: Path) -> tuple[Query, ...]:
    """Reads the messages of Banking77.

    Args:
        folder: where `train.csv` lies, with the columns `text` and `category`.

    Raises:
        DataError: it is not there, or is no such file.
    """
    file = folder / FILE
    try:
        with file.open(encoding="utf-8", newline="") as lines:
            return tuple(Query(row["text"], row["category"]) for row in csv.DictReader(lines))
    except OSError as error:
        raise DataError(f"{file}: {error.strerror}; name the folder with Banking77's {FILE}") from None
    except (KeyError, UnicodeDecodeError, csv.Error):
        raise DataError(f"{file}: has no columns text and category; name the folder with Banking77's {FILE}") from None


def drawn(queries: Sequence[Query]) -> Intents:
    """Draws 10 intents, and of each 30 messages to learn from and 20 unseen ones.

    One generator, seeded with 7, draws the intents from their sorted names and then the messages of each. Messages that
    differ in case, blanks or punctuation alone count as one.

    Raises:
        DataError: there are too few intents, or too few messages of one that was drawn.
    """
    apart = {" ".join(tokens(query.text)): query for query in reversed(queries)}
    by_label: dict[str, list[Query]] = {}
    for query in reversed(apart.values()):
        by_label.setdefault(query.label, []).append(query)
    if len(by_label) < _INTENTS:
        raise DataError(f"{FILE}: {len(by_label)} intents; at least {_INTENTS} are needed: take Banking77's whole file")
    chance = random.Random(_SEED)  # noqa: S311 nothing secret
    labels = chance.sample(sorted(by_label), _INTENTS)
    train: list[Query] = []
    unseen: list[Query] = []
    for label in labels:
        if len(by_label[label]) < _TRAIN + _UNSEEN:
            raise DataError(
                f"{FILE}: {len(by_label[label])} different messages of {label}; {_TRAIN + _UNSEEN} are needed: take "
                f"Banking77's whole file"
            )
        mixed = chance.sample(by_label[label], _TRAIN + _UNSEEN)
        train += mixed[:_TRAIN]
        unseen += mixed[_TRAIN:]
    return Intents(tuple(sorted(labels)), tuple(train), tuple(unseen))
