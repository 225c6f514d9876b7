"""A score, and what a metric is."""

from typing import Literal, NamedTuple

from configs.schema.scorer import ScorerConfig
from tasks.calling.answer import Outcome

Dimension = Literal["quality", "harm", "honesty", "cost", "latency"]
Direction = Literal["higher", "lower"]


class Passes(NamedTuple):
    """What is said of `k` answers to one row: that the metric `of` is 1 of at least one of them, or of every one."""

    of: str
    k: int
    every: bool = False


class Metric(NamedTuple):
    """What a number means.

    `high` is None where it has no upper end; `heuristic` is said wherever it is shown; `binary` where a row's number is
    0 or 1 and nothing between. `ratio` names two metrics, numerator and denominator, where the number is the ratio of
    their means; `passes` is set where it is about several answers to a row: then no answer has a score of it.
    """

    name: str
    dimension: Dimension
    direction: Direction
    version: str
    description: str
    low: float = 0.0
    high: float | None = 1.0
    unit: str = ""
    heuristic: bool = False
    binary: bool = False
    ratio: tuple[str, str] | None = None
    passes: Passes | None = None

    @property
    def of_rows(self) -> bool:
        """Whether each answer gets a score of it; False where it is made of other metrics' scores."""
        return self.ratio is None and self.passes is None

    def as_configured(self, config: ScorerConfig) -> "Metric":
        """Returns the metric under the name, and of the dimension and direction, that an app gives it."""
        return self._replace(
            name=config.name,
            dimension=config.dimension or self.dimension,
            direction=config.direction or self.direction,
        )


class Score(NamedTuple):
    """The score of one row on one metric.

    `value` is None where the metric does not apply to the row (outcome `ok`), or where there is nothing to score
    (outcome `app_error`, `skipped`) or the scorer itself failed (`scorer_error`); `why` says which.
    """

    row_id: str
    metric: str
    value: float | None
    why: str = ""
    outcome: Outcome = Outcome.OK
