"""A window of served requests, scored and estimated as an evaluation is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from tasks.data.row import Dataset
from tasks.scoring.asked import AskedScorer, Means
from tasks.scoring.scorer import Scorer
from tasks.serving.record import RecordStore
from tasks.statistics.estimate import Estimate
from tasks.statistics.estimates import estimate_all
from tasks.watching.scored import RATES, finished, open_scoring

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["RATES", "Window", "read_window"]

_CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Window:
    """What a candidate answered in a stretch of time; answers of a fallback, and calls of tools, are none of them.

    Attributes:
        candidate: digest of the candidate.
        since: the window's beginning, in UTC.
        until: its end.
        rows: one line a request, its id as `row_id`; otherwise as `Evaluation.rows`.
        scores: as `Evaluation.scores`. Metrics that need a reference have values where a known row was played, those
            that ask a model where a request is in the sample.
        estimates: the app's metrics and `RATES`, over all requests.
        gone: requests left out because they got no whole answer, and that was no fault of the candidate's: the client
            went away, a guard blocked the request, or its turn at the model did not come.
        scored: requests that were scored now; the others had been before.
        later: requests that bear a time after the window's end: a clock was wrong.
    """

    candidate: str
    since: datetime
    until: datetime
    rows: "pd.DataFrame"
    scores: "pd.DataFrame"
    estimates: tuple[Estimate, ...]
    gone: int
    scored: int = 0
    later: int = 0

    @property
    def requests(self) -> int:
        """Requests that were answered, or failed."""
        return len(self.rows)

    def estimate(self, metric: str) -> Estimate | None:
        """Returns the estimate of a metric, None where the app does not measure it."""
        return next((each for each in self.estimates if each.metric == metric and each.quantile is None), None)


async def read_window(
    means: Means,
    scorers: Sequence[Scorer | AskedScorer],
    store: RecordStore,
    candidate: str,
    since: datetime,
    until: datetime,
    production: Dataset | None = None,
) -> Window:
    """Scores what has no scores yet of what a candidate answered from `since` on and before `until`, and estimates all.

    Args:
        means: what scorers that ask a model ask with.
        scorers: the app's.
        store: the app's served requests.
        candidate: digest of the candidate.
        since: the window's beginning, in UTC.
        until: its end.
        production: rows that may have been played; a request that names one of them takes its reference from it.
    """
    with open_scoring(means, scorers, store, candidate, production) as scoring:
        found = scoring.reader.window(since, until, candidate)
        facts = finished(found)
        scored = await scoring.score(facts)
        rows, scores = scoring.frames(facts)
        later = scoring.reader.later_than(until, candidate)
    estimates = estimate_all(rows, scores, scoring.metrics, _CONFIDENCE) if facts else ()
    return Window(candidate, since, until, rows, scores, estimates, len(found) - len(facts), scored, later)
