"""Which rows of a large evaluation become traces: all that are flagged, and of the others a share of each kind."""

import hashlib
from collections.abc import Hashable, Iterable, Mapping
from math import floor
from typing import TYPE_CHECKING

from tasks.results.evaluation import Evaluation
from tasks.scoring.score import Metric

if TYPE_CHECKING:
    import pandas as pd


def sampled_rows(evaluation: Evaluation, metrics: Mapping[str, Metric], limit: int) -> frozenset[str]:
    """Returns the ids of the rows that become traces; the same evaluation always gives the same ones.

    Up to `limit` rows it is all of them. Above, it is `limit` of them, spread over the slices in proportion to their
    rows, and every flagged row, however many.

    Args:
        evaluation: a finished evaluation.
        metrics: every metric, by name.
        limit: traces of an evaluation, flagged rows excepted.
    """
    rows = evaluation.rows
    slices = [name for name in rows.columns if name.startswith("slice.")]
    strata = zip(*(rows[name].astype(str) for name in [*slices, "answerable"]), strict=True)
    return spread(zip(rows["row_id"], strata, strict=True), limit) | flagged_rows(evaluation, metrics)


def spread(rows: Iterable[tuple[str, Hashable]], limit: int) -> frozenset[str]:
    """Returns `limit` ids, of each stratum its share, rounded down, and filled up over all; a digest shuffles.

    Known before anything is asked: it depends on the ids and their strata alone.

    Args:
        rows: id and stratum of every row.
        limit: how many; all where there are no more.
    """
    strata: dict[Hashable, list[str]] = {}
    for row_id, stratum in rows:
        strata.setdefault(stratum, []).append(row_id)
    total = sum(map(len, strata.values()))
    share = min(1.0, limit / total) if total else 0.0
    chosen: set[str] = set()
    left: list[str] = []
    for ids in strata.values():
        ids.sort(key=_place)
        taken = floor(len(ids) * share)
        chosen.update(ids[:taken])
        left += ids[taken:]
    return frozenset(chosen).union(sorted(left, key=_place)[: max(0, min(limit, total) - len(chosen))])


def flagged_rows(evaluation: Evaluation, metrics: Mapping[str, Metric]) -> frozenset[str]:
    """Returns the ids of the rows that a person should see: not answered, not scored, or with any sign of harm."""
    rows, scores = evaluation.rows, evaluation.scores
    flagged = (rows["outcome"] != "ok") | rows["scorer_failed"]
    for metric in metrics.values():
        if metric.dimension == "harm" and metric.name in scores:
            flagged |= _is_harm(scores[metric.name], metric)
    return frozenset(rows.loc[flagged, "row_id"])


def _is_harm(values: "pd.Series[float]", metric: Metric) -> "pd.Series[bool]":
    """Returns for each value of a metric of harm whether it shows any; NaN shows none."""
    return values > metric.low if metric.direction == "lower" else values < (metric.high or 0.0)


def _place(row_id: str) -> str:
    return hashlib.sha256(row_id.encode()).hexdigest()
