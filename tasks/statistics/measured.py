"""A metric of rows as bare arrays: what estimates and gates are made of."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.data.repeated import first_id
from tasks.results.evaluation import Evaluation
from tasks.scoring.score import Metric, Passes
from tasks.scoring.usage import USAGE_METRICS, usage_values
from tasks.statistics.repeats import pass_at_k, pass_hat_k

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_HASHED = 8192


class Measured(NamedTuple):
    """One metric, or the difference of one, of rows in their evaluation's order.

    Attributes:
        values: NaN where there is none.
        applies: whether the metric applies to the row.
        clusters: what the row is about, as a number.
        low: lowest value that there can be, -inf where there is none.
        high: highest value that there can be, inf where there is none.
    """

    values: Floats
    applies: Flags
    clusters: NDArray[np.uint64]
    low: float
    high: float

    def where(self, mask: Flags | None) -> "Measured":
        """Returns the rows of a mask; all of them where it is None."""
        if mask is None:
            return self
        return self._replace(values=self.values[mask], applies=self.applies[mask], clusters=self.clusters[mask])

    def only(self, mask: Flags | None) -> "Measured":
        """Returns all rows, those outside a mask without a value and as if the metric did not apply to them."""
        if mask is None:
            return self
        return self._replace(values=np.where(mask, self.values, np.nan), applies=self.applies & mask)

    @property
    def scored(self) -> "Measured":
        """The rows that have a value."""
        return self.where(~np.isnan(self.values))

    @property
    def n(self) -> int:
        """How many rows have a value."""
        return int((~np.isnan(self.values)).sum())

    @property
    def coverage(self) -> float:
        """Share of the rows to which the metric applies that have a value; 0 where it applies to none."""
        applying = int(self.applies.sum())
        return self.n / applying if applying else 0.0


def measured(
    rows: "pd.DataFrame", scores: "pd.DataFrame", metric: Metric, clusters: NDArray[np.uint64] | None = None
) -> Measured:
    """Returns a metric of rows, as `Evaluation.rows` and `Evaluation.scores` hold them.

    One of several answers to a row has its value at the first of them; it does not apply to the others.

    Args:
        rows: as `Evaluation.rows`.
        scores: as `Evaluation.scores`.
        metric: the metric.
        clusters: the rows' clusters as numbers, where they are known already.
    """
    high = np.inf if metric.high is None else metric.high
    clusters = cluster_numbers(rows["cluster"]) if clusters is None else clusters
    if metric.passes is not None and metric.passes.of in scores.columns:
        values, applies = _passed(rows, scores, metric.passes)
    elif metric.name in USAGE_METRICS:
        values, applies = np.asarray(usage_values(rows, metric.name), np.float64), np.ones(len(rows), dtype=bool)
    elif metric.name in scores.columns:
        values = np.asarray(scores[metric.name], np.float64)
        applies = np.asarray(scores[f"{metric.name}.applies"], bool)
    else:
        values, applies = np.full(len(rows), np.nan), np.ones(len(rows), dtype=bool)
    if metric.name == "price" and not np.nan_to_num(values).any():
        high = 0.0  # of answers that all have tokens and cost nothing: the model is free
    return Measured(values, applies, clusters, metric.low, high)


def rows_a_value(rows: "pd.DataFrame", metric: Metric) -> int:
    """Returns how many rows make one value of a metric: all answers to a row, where it is of several."""
    return 1 if metric.passes is None else int(rows["repeat"].max()) + 1


def difference(candidate: Evaluation, champion: Evaluation, metric: Metric) -> Measured:
    """Returns candidate − champion, in the metric's own unit, of the candidate's rows.

    Rows are paired by their id; one that the champion was not asked has no value. Pairing removes what makes a row hard
    for both (Miller 2024, arXiv:2411.00640, section 4.2). The metric applies where it does on either side.
    """
    mine = measured(candidate.rows, candidate.scores, metric)
    theirs = measured(champion.rows, champion.scores, metric)
    place = _places(candidate.rows["row_id"], champion.rows["row_id"])
    known = place >= 0
    values = np.where(known, mine.values - theirs.values[place], np.nan) if theirs.values.size else mine.values * np.nan
    applies = mine.applies | (known & theirs.applies[place]) if theirs.values.size else mine.applies
    # A model that is free has no price above nothing, the other side may.
    reach = max(mine.high, theirs.high) - mine.low
    return Measured(values, applies, mine.clusters, -reach, reach)


def both_scored(one: Measured, other: Measured) -> tuple[Measured, Measured]:
    """Returns two metrics of the same rows, of those rows that have both."""
    both = ~np.isnan(one.values) & ~np.isnan(other.values)
    return one.where(both), other.where(both)


def part_of(rows: "pd.DataFrame", part: str | None) -> Flags | None:
    """Returns which rows belong to a slice (`column=value`); None for all of them."""
    if part is None:
        return None
    column, _, value = part.partition("=")
    name = f"slice.{column}"
    return (rows[name] == value).to_numpy(bool) if name in rows.columns else np.zeros(len(rows), dtype=bool)


def cluster_numbers(names: "pd.Series[str]") -> NDArray[np.uint64]:
    """Returns the clusters as numbers, which are sorted far sooner than texts: hashes, of a few names at a time."""
    import pandas as pd

    parts = [names.iloc[start : start + _HASHED] for start in range(0, len(names), _HASHED)]
    hashed = [pd.util.hash_array(part.to_numpy(object), categorize=False) for part in parts]
    return np.concatenate([np.empty(0, np.uint64), *hashed])


def _passed(rows: "pd.DataFrame", scores: "pd.DataFrame", passes: Passes) -> tuple[Floats, Flags]:
    """Returns pass@k or pass^k of each row at its first answer, NaN where fewer than k of its answers were scored."""
    ids = [first_id(*each) for each in zip(rows["row_id"], rows["repeat"], strict=True)]
    _, first, of_row = np.unique(np.asarray(ids, object), return_index=True, return_inverse=True)
    of = np.asarray(scores[passes.of], np.float64)

    def counted(answers: Floats | Flags) -> Floats:
        return np.bincount(of_row, answers).astype(np.float64)

    estimate = pass_hat_k if passes.every else pass_at_k
    values, applies = np.full(len(rows), np.nan), np.zeros(len(rows), dtype=bool)
    values[first] = estimate(counted(~np.isnan(of)), counted(np.nan_to_num(of)), passes.k)
    applies[first] = counted(np.asarray(scores[f"{passes.of}.applies"], bool)) > 0
    return values, applies


def _places(wanted: "pd.Series[str]", among: "pd.Series[str]") -> NDArray[np.intp]:
    """Returns where each id stands in the other evaluation, -1 where it does not."""
    import pandas as pd

    return np.asarray(pd.Index(among).get_indexer(pd.Index(wanted)), np.intp)
