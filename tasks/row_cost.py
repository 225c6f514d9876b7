"""What one more row costs, by what its answers have cost so far."""

from typing import NamedTuple

import numpy as np

from tasks.results.evaluation import Evaluation
from tasks.scoring.usage import usage_values


class RowCost(NamedTuple):
    """US dollars and seconds of one row, asked of every side; None where nothing was measured."""

    price: float | None
    seconds: float | None

    def times(self, rows: int) -> "RowCost":
        """Returns what so many rows cost, answered one after another."""
        price = None if self.price is None else rows * self.price
        return RowCost(price, None if self.seconds is None else rows * self.seconds)


def row_cost(*sides: Evaluation) -> RowCost:
    """Returns the mean price and time of an answer, those of all sides added up; at least one side."""
    return RowCost(*(_added([_mean(side, name) for side in sides]) for name in ("price", "latency_total")))


def _mean(evaluation: Evaluation, metric: str) -> float | None:
    values = np.asarray(usage_values(evaluation.rows, metric), np.float64)
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else None


def _added(parts: list[float | None]) -> float | None:
    known = [part for part in parts if part is not None]
    return sum(known) if len(known) == len(parts) else None
