"""Quality of classification: is the answer the row's label, and how good is it for one label?"""

from collections.abc import Sequence
from functools import lru_cache

from tasks.calling.answer import Answer
from tasks.data.cells import as_text
from tasks.data.row import Row
from tasks.scoring.scorer import Rating, scorer
from tasks.scoring.words import tokens

_FINDS = ("whole", "first", "last", "only")


def label_in(text: str, labels: tuple[str, ...] = (), find: str = "whole") -> str | None:
    """Returns the label that an answer gives, its tokens parted by blanks (`card_arrival` is `card arrival`).

    Args:
        text: the answer.
        labels: the labels there are; any text may be one where none are given.
        find: `whole`: the answer is nothing but the label. `first`, `last`: the label that is named first, or last,
            the longest where several begin at the same place. `only`: the one label that is named.

    Returns:
        None where the answer gives no label, or with `only` more than one.
    """
    given, known = tokens(text), _tokenised(labels)
    if find == "whole":
        return " ".join(given) if given and (not known or given in known) else None
    named = _named(given, known)
    if not named or (find == "only" and len({" ".join(label) for label in named}) > 1):
        return None
    return " ".join(named[-1] if find == "last" else named[0])


@lru_cache(maxsize=64)
def _tokenised(labels: tuple[str, ...]) -> tuple[list[str], ...]:
    """Returns the tokens of each label, the longest first."""
    return tuple(sorted((sought for label in labels if (sought := tokens(label))), key=len, reverse=True))


def _named(given: Sequence[str], known: Sequence[list[str]]) -> list[list[str]]:
    """Returns the labels that are named, in their order; one inside a longer one is not named by it."""
    named, at = [], 0
    while at < len(given):
        label = next((each for each in known if given[at : at + len(each)] == each), None)
        if label:
            named.append(label)
        at += len(label) if label else 1
    return named


def _check(*, labels: tuple[str, ...], find: str, column: str, label: str = "") -> None:  # noqa: ARG001
    if find not in _FINDS:
        raise ValueError(f"find: found {find!r}; allowed are {', '.join(_FINDS)}")
    if find != "whole" and not labels:
        raise ValueError(f"find: {find!r} looks for labels, but `labels` names none")
    if label and labels and tokens(label) not in [tokens(each) for each in labels]:
        raise ValueError(f"label: found {label!r}; `labels` are {', '.join(labels)}")


def _check_one(*, label: str, labels: tuple[str, ...], find: str, column: str) -> None:
    if not tokens(label):
        raise ValueError("label: not set; name the label that is judged")
    _check(labels=labels, find=find, column=column, label=label)


def _true(row: Row, column: str) -> str:
    return " ".join(tokens(as_text(row.columns.get(column)) if column else row.reference))


@scorer("quality", version="1", needs=("fact",), binary=True, check=_check)
def label_accuracy(
    row: Row, answer: Answer, *, labels: tuple[str, ...] = (), find: str = "whole", column: str = ""
) -> Rating:
    """1 where the answer gives the row's label: in `column`, or its reference.

    Case, punctuation, underscores and blanks do not count. `find` says how a label is found in a longer answer:
    `whole`, `first`, `last` or `only` one of `labels`.
    """
    true, given = _true(row, column), label_in(answer.text, labels, find)
    if not true:
        return Rating(None, f"the row has no label in {column or 'its reference'}")
    return Rating(float(given == true), "" if given == true else f"says {given or 'no label'}, right is {true}")


@scorer("quality", version="1", needs=("fact",), binary=True, check=_check_one)
def label_precision(
    row: Row, answer: Answer, *, label: str = "", labels: tuple[str, ...] = (), find: str = "whole", column: str = ""
) -> Rating:
    """1 where the answer gives the label `label` and is right: its mean is that label's precision.

    Only answers that give that label are rated (van Rijsbergen, 1979, chapter 7).
    """
    sought, true = " ".join(tokens(label)), _true(row, column)
    if label_in(answer.text, labels, find) != sought:
        return Rating(None, f"does not say {sought}")
    return Rating(float(true == sought), "" if true == sought else f"right is {true}")


@scorer("quality", version="1", needs=("fact",), binary=True, check=_check_one)
def label_recall(
    row: Row, answer: Answer, *, label: str = "", labels: tuple[str, ...] = (), find: str = "whole", column: str = ""
) -> Rating:
    """1 where the row's label is `label` and the answer gives it: its mean is that label's recall.

    Only rows with that label are rated (van Rijsbergen, 1979, chapter 7).
    """
    sought, given = " ".join(tokens(label)), label_in(answer.text, labels, find)
    if _true(row, column) != sought:
        return Rating(None, f"the row is not {sought}")
    return Rating(float(given == sought), "" if given == sought else f"says {given or 'no label'}")
