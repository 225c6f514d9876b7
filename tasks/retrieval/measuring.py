"""How well passages are found, measured on rows by themselves: no chat model is asked."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from configs.schema.base import Frozen
from tasks.calling.answer import Answer, Outcome
from tasks.scoring.ranking import hit_rate, mrr, ndcg_at_k, recall_at_k
from tasks.scoring.scorer import Rating
from tasks.statistics.estimate import Estimate

if TYPE_CHECKING:
    from configs.schema.augment import RetrievalMetric
    from tasks.calling.answer import Passage
    from tasks.data.row import Row
    from tasks.retrieval.finding import Finder

_METRICS = {"hit_rate": hit_rate, "recall": recall_at_k, "mrr": mrr, "ndcg": ndcg_at_k}


class RetrievalQuality(Frozen):
    """How well passages are found for rows.

    `estimates` are of rows with supporting documents, of the first k passages: `hit_rate`, `recall`, `mrr` and `ndcg`
    at k, and `nothing_shown`; `kept_silent` is of rows that are not answerable: the share to which nothing is shown.
    `served` is over all rows what a search ranks by; see `worth`.
    """

    k: int
    estimates: tuple[Estimate, ...]
    served: Estimate

    def estimate(self, metric: str) -> Estimate:
        """Returns the estimate of a metric, such as `mrr`.

        Raises:
            KeyError: there is none of that name.
        """
        return {each.metric: each for each in self.estimates}[metric]


class _Rated(NamedTuple):
    metric: str
    values: list[float]
    clusters: list[str]


def rateable(rows: "Sequence[Row]") -> "tuple[Row, ...]":
    """Returns the rows that say what should be found: documents, or that there are none."""
    return tuple(row for row in rows if row.documents or row.answerable is False)


async def measure(
    finder: "Finder", rows: "Sequence[Row]", k: int, metric: "RetrievalMetric" = "ndcg", confidence: float = 0.95
) -> RetrievalQuality:
    """Measures a finder on rows.

    Args:
        finder: what finds; it should find `k` passages or more.
        rows: those that are rateable count.
        k: passages that are looked at.
        metric: what `served` takes of rows that have supporting documents.
        confidence: level of the intervals; rows of one cluster count as one another's.

    Raises:
        CallFailure: a question could not be embedded, or the vector store or the reranker does not answer.
    """
    rated = rateable(rows)
    found = [await finder.find(row.question, row.user) for row in rated]
    supported = [(row, passages) for row, passages in zip(rated, found, strict=True) if row.documents]
    silent = [(row, passages) for row, passages in zip(rated, found, strict=True) if not row.documents]
    columns = [
        *(_Rated(name, [_rate(name, *each, k) for each in supported], _clusters(supported)) for name in _METRICS),
        _Rated("nothing_shown", [float(not passages) for _, passages in supported], _clusters(supported)),
        _Rated("kept_silent", [float(not passages) for _, passages in silent], _clusters(silent)),
    ]
    worths = [worth(row, passages, k, metric) for row, passages in zip(rated, found, strict=True)]
    served = _Rated("served", worths, [row.cluster for row in rated])
    return RetrievalQuality(
        k=k, estimates=tuple(_estimate(each, confidence) for each in columns), served=_estimate(served, confidence)
    )


def worth(row: "Row", passages: "Sequence[Passage]", k: int, metric: "RetrievalMetric") -> float:
    """Returns how well a row was served, from 0 to 1.

    A row with supporting documents: the metric of the first k passages. One that is not answerable: 1 where nothing is
    shown to it, for then there is nothing to answer from wrongly.
    """
    return _rate(metric, row, passages, k) if row.documents else float(not passages)


def _rate(metric: str, row: "Row", passages: "Sequence[Passage]", k: int) -> float:
    answer = Answer(row.id, Outcome.OK, context=tuple(passages))
    rating = _METRICS[metric].rate(row, answer, k=k)
    return (rating.value if isinstance(rating, Rating) else rating) or 0.0


def _clusters(rated: "Sequence[tuple[Row, Sequence[Passage]]]") -> list[str]:
    return [row.cluster for row, _ in rated]


def _estimate(rated: _Rated, confidence: float) -> Estimate:
    import numpy as np

    from tasks.statistics.intervals import mean_interval

    n = len(rated.values)
    value = low = high = None
    method = "none"
    if n:
        clusters = np.unique(np.array(rated.clusters, object), return_inverse=True)[1]
        value, low, high, method = mean_interval(np.array(rated.values, np.float64), clusters, confidence, 0.0, 1.0)
    return Estimate(
        metric=rated.metric,
        value=value,
        low=low,
        high=high,
        n=n,
        coverage=1.0 if n else 0.0,
        confidence=confidence,
        method=method,
    )
