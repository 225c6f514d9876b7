"""Which rows of a large evaluation become traces: all that are flagged, and of the others a share of each kind."""

import hashlib
import heapq
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping
from math import floor
from typing import TYPE_CHECKING

from tasks.data.row import Rows
from tasks.results.evaluation import Evaluation
from tasks.results.frames import Frames
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
    return _spread(zip(rows["row_id"], strata, strict=True), limit) | flagged_rows(_frames(evaluation), metrics)


def sample_of(rows: Rows, limit: int) -> frozenset[str]:
    """Returns the ids of the rows that become traces whatever they score, known before anything is asked.

    Args:
        rows: all that are asked.
        limit: traces of an evaluation, flagged rows excepted.
    """
    return _spread(((row.id, (*row.slices.values(), str(row.answerable))) for row in rows), limit)


def _spread(rows: Iterable[tuple[str, Hashable]], limit: int) -> frozenset[str]:
    """Returns `limit` ids, of each stratum its share, rounded down, and filled up over all; a digest shuffles.

    Args:
        rows: id and stratum of every row; of a stratum no more than `limit` are kept in memory.
        limit: how many; all where there are no more.
    """
    counts: Counter[Hashable] = Counter()
    first: defaultdict[Hashable, list[tuple[int, str]]] = defaultdict(list)
    for row_id, stratum in rows:
        counts[stratum] += 1
        keep = heapq.heappush if len(first[stratum]) < limit else heapq.heappushpop
        keep(first[stratum], (-_place(row_id), row_id))  # a heap's least is what goes: here the last
    total = counts.total()
    share = min(1.0, limit / total) if total else 0.0
    chosen: set[str] = set()
    left: list[tuple[int, str]] = []
    for stratum, kept in first.items():
        kept.sort(reverse=True)
        taken = floor(counts[stratum] * share)
        chosen.update(row_id for _, row_id in kept[:taken])
        left += kept[taken:]
    filled = heapq.nlargest(max(0, min(limit, total) - len(chosen)), left)
    return frozenset(chosen).union(row_id for _, row_id in filled)


def flagged_rows(frames: Frames, metrics: Mapping[str, Metric]) -> frozenset[str]:
    """Returns the ids of the rows that a person should see: not answered, not scored, or with any sign of harm."""
    rows, scores = frames
    flagged = (rows["outcome"] != "ok") | rows["scorer_failed"]
    for metric in metrics.values():
        if metric.dimension == "harm" and metric.name in scores:
            flagged |= _is_harm(scores[metric.name], metric)
    return frozenset(rows.loc[flagged, "row_id"])


def _is_harm(values: "pd.Series[float]", metric: Metric) -> "pd.Series[bool]":
    """Returns for each value of a metric of harm whether it shows any; NaN shows none."""
    return values > metric.low if metric.direction == "lower" else values < (metric.high or 0.0)


def _frames(evaluation: Evaluation) -> Frames:
    return Frames(evaluation.rows, evaluation.scores)


def _place(row_id: str) -> int:
    return int.from_bytes(hashlib.sha256(row_id.encode()).digest())
