"""Which rows of a large evaluation become traces: all that are flagged, and of the others a share of each kind."""

import hashlib
from collections.abc import Mapping
from math import floor
from typing import TYPE_CHECKING

from tasks.results.evaluation import Evaluation
from tasks.scoring.score import Metric

if TYPE_CHECKING:
    import pandas as pd


def sampled_rows(evaluation: Evaluation, metrics: Mapping[str, Metric], limit: int) -> frozenset[str]:
    """Returns the ids of the rows that become traces; the same evaluation always gives the same ones.

    Up to `limit` rows it is all of them. Above, it is every flagged row, however many, and the rest of `limit` spread
    over the slices in proportion to their rows.

    Args:
        evaluation: a finished evaluation.
        metrics: every metric, by name.
        limit: traces of an evaluation.
    """
    rows = evaluation.rows
    if len(rows) <= limit:
        return frozenset(rows["row_id"])
    flagged = flagged_rows(evaluation, metrics)
    others = rows[~rows["row_id"].isin(flagged)]
    return flagged | _spread(others, max(0, limit - len(flagged)))


def flagged_rows(evaluation: Evaluation, metrics: Mapping[str, Metric]) -> frozenset[str]:
    """Returns the ids of the rows that a person should see: not answered, not scored, or with any sign of harm."""
    rows, scores = evaluation.rows, evaluation.scores
    failed = set(rows.loc[rows["outcome"] != "ok", "row_id"])
    failed |= set(scores.loc[scores["outcome"] == "scorer_error", "row_id"])
    for metric in metrics.values():
        if metric.dimension != "harm":
            continue
        of_metric = scores[scores["metric"] == metric.name]
        worse = of_metric["value"] > metric.low if metric.direction == "lower" else of_metric["value"] < metric.high
        failed |= set(of_metric.loc[worse, "row_id"])
    return frozenset(failed)


def _spread(rows: "pd.DataFrame", places: int) -> frozenset[str]:
    """Takes from each stratum its share, rounded down, and fills up over all; a digest of the id shuffles."""
    if places == 0 or rows.empty:
        return frozenset()
    slices = [name for name in rows.columns if name.startswith("slice.")]
    by = [*slices, "answerable"]
    share = min(1.0, places / len(rows))
    chosen: list[str] = []
    for _, stratum in rows.groupby(by, dropna=False, sort=True):
        ids = sorted(stratum["row_id"], key=_place)
        chosen += ids[: floor(len(ids) * share)]
    left = sorted(set(rows["row_id"]) - set(chosen), key=_place)
    return frozenset(chosen + left[: places - len(chosen)])


def _place(row_id: str) -> str:
    return hashlib.sha256(row_id.encode()).hexdigest()
