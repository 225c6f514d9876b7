"""Quality of retrieval: of the documents that were put before the model, which belong there, and how far up?

Passages of one document count once, where the first of them stands. All but `holes` take the row's supporting documents
as the relevant ones; Manning, Raghavan and Schütze (2008, chapter 8) define them.
"""

from collections.abc import Mapping, Sequence
from math import log2
from typing import Any

from tasks.calling.answer import Answer
from tasks.data.row import Row
from tasks.scoring.scorer import Rating, scorer


def _check(*, k: int, **_: object) -> None:
    if k < 0:
        raise ValueError(f"k: found {k}; allowed are 1 and more, or 0 for all that was retrieved")


def _ranked(answer: Answer, k: int) -> list[str]:
    """Returns the ids of the first `k` retrieved documents, best first; of all where k is 0."""
    ids = list(dict.fromkeys(passage.id for passage in answer.context))
    return ids[:k] if k else ids


@scorer("quality", version="1", needs=("documents",), binary=True, check=_check)
def hit_rate(row: Row, answer: Answer, *, k: int = 0) -> Rating:
    """1 where at least one supporting document is among the first `k` retrieved."""
    return Rating(float(not set(row.documents).isdisjoint(_ranked(answer, k))))


@scorer("quality", version="1", needs=("documents",), check=_check)
def recall_at_k(row: Row, answer: Answer, *, k: int = 3) -> Rating:
    """Share of the supporting documents that are among the first `k` retrieved."""
    relevant = set(row.documents)
    missing = sorted(relevant - set(_ranked(answer, k)))
    return Rating(1 - len(missing) / len(relevant), f"missing: {', '.join(missing)}" if missing else "")


@scorer("quality", version="1", needs=("documents",), check=_check)
def precision_at_k(row: Row, answer: Answer, *, k: int = 3) -> Rating:
    """Share of the first `k` retrieved documents that support the reference.

    Of those there are, where fewer than `k` were retrieved; 0 where none was.
    """
    ranked = _ranked(answer, k)
    return Rating(len(set(row.documents).intersection(ranked)) / len(ranked) if ranked else 0.0)


@scorer("quality", version="1", needs=("documents",), check=_check)
def mrr(row: Row, answer: Answer, *, k: int = 0) -> Rating:
    """1 over the rank of the first supporting document, 0 where none of the first `k` is one.

    Its mean is the mean reciprocal rank (Voorhees, 1999).
    """
    relevant = set(row.documents)
    ranks = (rank for rank, name in enumerate(_ranked(answer, k), start=1) if name in relevant)
    first = next(ranks, None)
    return Rating(1 / first if first else 0.0)


@scorer("quality", version="1", check=_check)
def ndcg_at_k(row: Row, answer: Answer, *, k: int = 3, column: str = "") -> Rating:
    """Discounted gain of the first `k` retrieved documents, as a share of that of the best order.

    Järvelin and Kekäläinen (2002), discount log2(rank + 1). A supporting document gains 1; where `column` holds labels
    (a mapping of document id to a number, or a list of `{document_id, query_relevance_label}` as in Azure's document
    retrieval evaluator), a document gains its label. Rows where nothing gains are not rated.
    """
    gains = labels_of(row.columns.get(column)) if column else dict.fromkeys(row.documents, 1.0)
    best = _discounted(sorted(gains.values(), reverse=True), k)
    if best <= 0:
        return Rating(None, f"no document of the row's {column or 'documents'} gains anything")
    return Rating(min(1.0, _discounted([gains.get(name, 0.0) for name in _ranked(answer, k)], k) / best))


@scorer("quality", "lower", version="1", high=None, unit="documents", check=_check)
def holes(row: Row, answer: Answer, *, k: int = 0, column: str = "") -> Rating:
    """Number of the first `k` retrieved documents that nobody has judged.

    A document without a label in `column`, or outside the row's supporting documents where no column is set, counts as
    irrelevant everywhere else: many holes make the other numbers too low (Buckley and Voorhees, 2004).
    """
    unjudged = _unjudged(row, answer, k, column)
    return Rating(None if unjudged is None else float(len(unjudged)), ", ".join(unjudged or ()))


@scorer("quality", "lower", version="1", check=_check)
def holes_ratio(row: Row, answer: Answer, *, k: int = 0, column: str = "") -> Rating:
    """Share of the first `k` retrieved documents that nobody has judged; see `holes`."""
    unjudged = _unjudged(row, answer, k, column)
    ranked = _ranked(answer, k)
    if unjudged is None or not ranked:
        return Rating(None, "nothing was judged, or retrieved")
    return Rating(len(unjudged) / len(ranked), ", ".join(unjudged))


def labels_of(cell: Any) -> dict[str, float]:
    """Returns the label of each judged document.

    Args:
        cell: a mapping of id to number, or a list of `{document_id, query_relevance_label}`; None holds none.

    Raises:
        ValueError: it is something else, or a label is negative.
    """
    if cell is None:
        return {}
    pairs = list(cell.items()) if isinstance(cell, Mapping) else [_pair(entry) for entry in _listed(cell)]
    labels = {str(name): float(label) for name, label in pairs}
    if any(not 0 <= label < float("inf") for label in labels.values()):
        raise ValueError(f"relevance labels {labels}: allowed are numbers from 0 on")
    return labels


def _listed(cell: Any) -> Sequence[Any]:
    if isinstance(cell, list | tuple):
        return cell
    raise ValueError(f"relevance labels: found {type(cell).__name__}, allowed is a mapping of document id to a number")


def _pair(entry: Any) -> tuple[Any, Any]:
    try:
        return entry["document_id"], entry["query_relevance_label"]
    except (TypeError, KeyError):
        raise ValueError(f"relevance labels: {entry!r} is no {{document_id, query_relevance_label}}") from None


def _discounted(gains: Sequence[float], k: int) -> float:
    considered = gains[:k] if k else gains
    return sum(gain / log2(rank + 1) for rank, gain in enumerate(considered, start=1))


def _unjudged(row: Row, answer: Answer, k: int, column: str) -> list[str] | None:
    """Returns the retrieved documents without a judgement; None where the row has no judgement at all."""
    judged = set(labels_of(row.columns.get(column))) if column else set(row.documents)
    return [name for name in _ranked(answer, k) if name not in judged] if judged else None
