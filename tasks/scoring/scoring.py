"""Scores answers: plain scorers in a thread, those that ask by waiting; what fails is an instrument, never a zero."""

import asyncio
import math
from collections.abc import Iterable, Sequence

from configs.errors import LifecycleError
from tasks.calling.answer import Answer, Outcome
from tasks.calling.spend import BudgetUsedUp
from tasks.data.row import Row
from tasks.scoring.asked import AskedScorer, Means, Rated
from tasks.scoring.score import Metric, Score
from tasks.scoring.scorer import Rating, Scorer


def score(rows: Sequence[Row], answers: Sequence[Answer], scorers: Iterable[Scorer | AskedScorer]) -> list[Score]:
    """Scores answers, which stand in the rows' order, with each plain scorer; scorer by scorer.

    A scorer that raises, or returns what is no number from its range, gives a score with outcome `scorer_error` and
    the cause, never a zero. A row that was not answered gives its own outcome, where the metric applies to it.
    Scorers that ask, and metrics that are made of others, give no score here.
    """
    return [
        _unrated(scorer, row, answer) or _score(scorer.metric, row, _rated(scorer, row, answer))
        for scorer in scorers
        if isinstance(scorer, Scorer) and scorer.metric.of_rows
        for row, answer in zip(rows, answers, strict=True)
    ]


async def score_all(
    rows: Sequence[Row], answers: Sequence[Answer], scorers: Sequence[Scorer | AskedScorer], means: Means
) -> list[Score]:
    """Scores answers, which stand in the rows' order, with every scorer: `score` in a thread, and `ask_scorers`."""
    plain, asked = await asyncio.gather(
        asyncio.to_thread(score, rows, answers, scorers), ask_scorers(rows, answers, scorers, means)
    )
    return plain + asked


async def ask_scorers(
    rows: Sequence[Row], answers: Sequence[Answer], scorers: Iterable[Scorer | AskedScorer], means: Means
) -> list[Score]:
    """Scores answers, which stand in the rows' order, with the scorers that ask, all at once; scorer by scorer.

    The rules of failure are those of `score`; what the budget cuts off ends `skipped`.
    """
    asking = [_ask(scorer, rows, answers, means) for scorer in scorers if not isinstance(scorer, Scorer)]
    return [each for scores in await asyncio.gather(*asking) for each in scores]


async def _ask(scorer: AskedScorer, rows: Sequence[Row], answers: Sequence[Answer], means: Means) -> list[Score]:
    scores = [_unrated(scorer, row, answer) for row, answer in zip(rows, answers, strict=True)]
    open_ = [at for at, found in enumerate(scores) if found is None]
    ratings = await _ratings(scorer, [rows[at] for at in open_], [answers[at] for at in open_], means)
    of_open = {at: _score(scorer.metric, rows[at], rated) for at, rated in zip(open_, ratings, strict=True)}
    return [found or of_open[at] for at, found in enumerate(scores)]


async def _ratings(
    scorer: AskedScorer, rows: Sequence[Row], answers: Sequence[Answer], means: Means
) -> Sequence[Rated | Exception]:
    if not rows:
        return ()
    try:
        ratings = await scorer.rate(rows, answers, means)
    except Exception as error:  # whatever a scorer does, the other scores stand
        return [error] * len(rows)
    if len(ratings) != len(rows):
        return [ValueError(f"rated {len(ratings)} of {len(rows)} answers")] * len(rows)
    return ratings


def _unrated(scorer: Scorer | AskedScorer, row: Row, answer: Answer) -> Score | None:
    """Returns the score of an answer that there is nothing to rate in, None where there is."""
    if lacking := scorer.lacking(row):
        return Score(row.id, scorer.metric.name, None, lacking)
    if answer.outcome is not Outcome.OK:
        return Score(row.id, scorer.metric.name, None, answer.cause, answer.outcome)
    return None


def _rated(scorer: Scorer, row: Row, answer: Answer) -> Rating | Exception:
    try:
        return scorer(row, answer)
    except (Exception, SystemExit) as error:  # whatever a scorer does, the other scores stand
        return error if isinstance(error, Exception) else RuntimeError(f"ended the program: {error}")


def _score(metric: Metric, row: Row, rated: Rated | Exception) -> Score:
    if isinstance(rated, BudgetUsedUp):
        return Score(row.id, metric.name, None, str(rated), Outcome.SKIPPED)
    if isinstance(rated, LifecycleError):
        return _failed(row, metric, str(rated))
    if isinstance(rated, Exception):
        return _failed(row, metric, f"{type(rated).__name__}: {rated}")
    if rated.value is not None and not _in_range(rated.value, metric):
        return _failed(row, metric, f"returned {rated.value}, allowed is {metric.low:g} to {metric.high}")
    if rated.value is not None and metric.binary and rated.value not in (0, 1):
        return _failed(row, metric, f"returned {rated.value}, allowed is 0 or 1")
    return Score(row.id, metric.name, rated.value, rated.why)


def _failed(row: Row, metric: Metric, cause: str) -> Score:
    return Score(row.id, metric.name, None, " ".join(cause.split()), Outcome.SCORER_ERROR)


def _in_range(value: float, metric: Metric) -> bool:
    return math.isfinite(value) and value >= metric.low and (metric.high is None or value <= metric.high)
