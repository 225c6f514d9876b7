"""The noise of an instrument: how much its own reruns differ on the same things (an A/A test)."""

import numpy as np
from scipy.special import stdtrit

from configs.schema.base import Frozen
from tasks.statistics.intervals import Floats


class RerunNoise(Frozen):
    """How much the scores of the same answers differ between reruns.

    `deviation` is the standard deviation of one score around its answer's mean over reruns, pooled over `rows` answers
    that were each rated `reruns` times.
    """

    rows: int
    reruns: int
    deviation: float

    def of_difference(self, rows: int) -> float:
        """Returns the standard deviation of the difference between the means of two ratings of the same rows."""
        return float(self.deviation * np.sqrt(2 / rows))

    def smallest_difference(self, rows: int, confidence: float = 0.95) -> float:
        """Returns the least difference of two means over so many rows that is not the instrument's own noise.

        A difference of nothing at all stays below it with the probability `confidence` (Student's quantile, as the
        noise was estimated). A gate may claim no smaller one, in either direction.
        """
        freedom = self.rows * (self.reruns - 1)
        return float(stdtrit(freedom, (1 + confidence) / 2)) * self.of_difference(rows)


def rerun_noise(scores: Floats) -> RerunNoise:
    """Measures the noise of reruns.

    Args:
        scores: shape (rows, reruns), at least one row and two reruns, none of them NaN.
    """
    rows, reruns = scores.shape
    return RerunNoise(rows=rows, reruns=reruns, deviation=float(np.sqrt(scores.var(axis=1, ddof=1).mean())))
