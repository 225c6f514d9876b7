"""An estimate: a number is never shown without its interval, how many rows it stands on, and how it was made."""

from pydantic import ConfigDict

from configs.schema.base import Frozen


class Estimate(Frozen):
    """A metric over rows.

    `coverage` is the share of the rows the metric applies to that were answered and scored. `value`, `low` and `high`
    are None where no row could be scored; an end is infinite, or None for a quantile, where the rows say nothing of it.
    `quantile` is set where it is that of the rows' values instead of their mean. `judge_alone` is set where people's
    labels have corrected a judge: its own mean, for comparison.
    """

    # Without this, JSON would hold null for an end that is infinite.
    model_config = ConfigDict(ser_json_inf_nan="strings")

    metric: str
    value: float | None
    low: float | None
    high: float | None
    n: int
    coverage: float
    confidence: float
    method: str
    slice: str | None = None
    quantile: float | None = None
    judge_alone: float | None = None

    def __str__(self) -> str:
        if self.value is None or self.low is None or self.high is None:
            return f"{self.metric}: no row scored"
        return f"{self.metric} {self.value:.3f} [{self.low:.3f}, {self.high:.3f}] n={self.n}"
