"""A window of served requests, scored and estimated as an evaluation is."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from tasks.calling.answer import Answer, Outcome
from tasks.data.row import Dataset, Row
from tasks.results.frames import to_frames
from tasks.scoring.abstaining import abstains
from tasks.scoring.asked import AskedScorer, Means
from tasks.scoring.catalogue import metrics_of
from tasks.scoring.score import Metric, Score
from tasks.scoring.scorer import Scorer
from tasks.scoring.scoring import score_all
from tasks.serving.flagging import abstention_phrases
from tasks.serving.record import RecordStore, Served
from tasks.statistics.estimate import Estimate
from tasks.statistics.estimates import estimate_all

if TYPE_CHECKING:
    import pandas as pd

_CONFIDENCE = 0.95

RATES: dict[str, Metric] = {
    "error_rate": Metric("error_rate", "quality", "lower", "1", "1 where the endpoint could not answer."),
    "abstention_rate": Metric(
        "abstention_rate", "quality", "lower", "1", "1 where the answer is that it is not known."
    ),
}
"""Metrics of served requests that no scorer of an evaluation has."""


@dataclass(frozen=True, slots=True)
class Window:
    """What a candidate answered in a stretch of time.

    Attributes:
        candidate: digest of the candidate.
        since: the window's beginning, in UTC.
        until: its end.
        rows: one line a request, its id as `row_id`; otherwise as `Evaluation.rows`.
        scores: as `Evaluation.scores`. Metrics that need a reference have values where a known row was played.
        estimates: the app's metrics and `RATES`, over all requests.
        gone: requests left out because the client went away before the answer ended.
    """

    candidate: str
    since: datetime
    until: datetime
    rows: "pd.DataFrame"
    scores: "pd.DataFrame"
    estimates: tuple[Estimate, ...]
    gone: int

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
    """Reads, scores and estimates what a candidate answered from `since` on and before `until`.

    Args:
        means: what scorers that ask a model ask with.
        scorers: the app's.
        store: the app's served requests.
        candidate: digest of the candidate.
        since: the window's beginning, in UTC.
        until: its end.
        production: rows that may have been played; a request that names one of them takes its reference from it.
    """
    found = store.window(since, until, candidate)
    served = [each for each in found if each.answer.outcome is not Outcome.SKIPPED]
    played = {each.row_id for each in served}
    known = {row.id: row for row in production.rows if row.id in played} if production else {}
    rows = [row_of(each, known.get(each.row_id)) for each in served]
    answers = [each.answer for each in served]
    scores = await score_all(rows, answers, scorers, means)
    scores += _rates(answers, abstention_phrases(means.loaded.app.scorers))
    rows_frame, scores_frame = to_frames(rows, answers, scores)
    estimates = estimate_all(rows_frame, scores_frame, metrics_of(scorers) | RATES, _CONFIDENCE) if rows else ()
    return Window(candidate, since, until, rows_frame, scores_frame, estimates, len(found) - len(served))


def row_of(served: Served, known: Row | None) -> Row:
    """Returns a served request as a row: with the labels of the row that was played, where that is known.

    Requests that played the same row, or rows about the same thing, are not independent: they share its cluster.
    """
    if known is None:
        return Row(id=served.id, messages=served.messages, columns=served.columns)
    return replace(known, id=served.id, cluster=known.cluster or known.id, messages=served.messages)


def _rates(answers: Sequence[Answer], phrases: tuple[str, ...]) -> list[Score]:
    scores = []
    for answer in answers:
        ok = answer.outcome is Outcome.OK
        abstained = float(abstains(answer.text, phrases)) if ok else None
        scores.append(Score(answer.row_id, "error_rate", float(not ok), answer.cause))
        scores.append(Score(answer.row_id, "abstention_rate", abstained, answer.cause, answer.outcome))
    return scores
