"""Calibrates a judge: beside people, beside itself, and with order and length turned against it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from configs.errors import EndpointError
from tasks.calling.spend import BudgetUsedUp
from tasks.judging.calibration import Calibration
from tasks.judging.judge import Judge
from tasks.judging.labelled import LEAST, Labelled
from tasks.judging.pairwise import PairwiseJudge, Preference
from tasks.progress import Bar, bar
from tasks.scoring.asked import Means, Rated
from tasks.scoring.scorer import Rating
from tasks.statistics.agreement import agreement
from tasks.statistics.estimate import Estimate
from tasks.statistics.intervals import Floats, Labels, difference_interval, mean_interval
from tasks.statistics.length_bias import length_bias
from tasks.statistics.rerun_noise import rerun_noise

FILLER = " That is what there is to say about it here. Nothing in this sentence or in the one before it is new."
"""What is put behind an answer to see whether length alone wins: it says nothing."""
_CONFIDENCE = 0.95


class Calibrated(NamedTuple):
    """A calibration, and what it was made of: one line an answer with label, score and the judge's reason."""

    calibration: Calibration
    rows: tuple[dict[str, Any], ...]


async def calibrate(judge: Judge, labelled: Sequence[Labelled], means: Means, reruns: int) -> Calibrated:
    """Measures a judge on labelled answers. What the journal knows is not asked again.

    Args:
        judge: it.
        labelled: answers with labels, at least `LEAST`; a random part of those that the judge is to rate.
        means: what asking takes.
        reruns: times that every answer is rated, at least two.

    Raises:
        BudgetUsedUp: the budget does not reach.
        EndpointError: the judge gave too few readable scores; says why it gave the first none.
    """
    rows, answers = [each.row for each in labelled], [each.answer for each in labelled]
    clusters = np.array([each.row.cluster or each.row.id for each in labelled])
    with bar(f"calibrate · {judge.name}", reruns + 1) as shown:
        rated = [await judge.rate_again(rows, answers, means)]
        first = _scores(rated[0])
        shown.advance()
        used = _used(judge, rated[0], first)
        for repeat in range(1, reruns):
            rated.append(await judge.rate_again(rows, answers, means, repeat=repeat))
            shown.advance()
        again = np.column_stack([_scores(each) for each in rated])
        biases = await _biases(judge, labelled, means, first, clusters, shown)
    labels = np.array([each.label for each in labelled], dtype=np.int64)
    scale = judge.criterion.low, judge.criterion.high
    applies = sum(not (isinstance(each, Rating) and each.value is None) for each in rated[0])
    calibration = Calibration(
        metric=judge.name,
        version=judge.version,
        model=judge.model,
        endpoint=judge.endpoint,
        epoch=means.epoch,
        labels=len(labelled),
        coverage=int(used.sum()) / applies,
        agreement=agreement(first[used].astype(np.int64), labels[used], clusters[used], scale, _CONFIDENCE),
        noise=rerun_noise(_whole(judge, again)),
        **biases,
    )
    return Calibrated(calibration, tuple(_line(*each) for each in zip(labelled, rated[0], strict=True)))


def _used(judge: Judge, rated: Sequence[Rated], scores: Floats) -> NDArray[np.bool_]:
    """Returns which answers have a score; refuses a judge that gave too few."""
    used = ~np.isnan(scores)
    if used.sum() >= LEAST:
        return used
    failure = next((str(each) for each in rated if not isinstance(each, Rating)), "the others are not for it to rate")
    raise EndpointError(
        f"judge {judge.name}: gave a score to {int(used.sum())} of {len(rated)} labelled answers, {LEAST} are needed; "
        f"the first without one: {failure}"
    )


def _whole(judge: Judge, scores: Floats) -> Floats:
    """Returns the answers that have a score of every rerun."""
    whole = scores[~np.isnan(scores).any(axis=1)]
    if not len(whole):
        raise EndpointError(f"judge {judge.name}: no answer was given a score in every rerun; run again")
    return whole


async def _biases(
    judge: Judge, labelled: Sequence[Labelled], means: Means, first: Floats, clusters: Labels, shown: Bar
) -> dict[str, Estimate | None]:
    rows, answers = [each.row for each in labelled], [each.answer for each in labelled]
    if isinstance(judge, PairwiseJudge):
        return await _pairwise_biases(judge, labelled, means, clusters)
    position = None
    if judge.swapped_texts is not None:
        swapped = _scores(await judge.rate_again(rows, answers, means, swapped=True))
        both = ~np.isnan(first + swapped)
        reach = float(judge.criterion.high - judge.criterion.low)
        position = _difference("position bias", (swapped - first)[both], clusters[both], reach, len(rows))
    shown.advance()
    used = ~np.isnan(first)
    labels = np.array([each.label for each in labelled], dtype=np.float64)
    lengths = np.array([len(each.answer.text) for each in labelled], dtype=np.int64)
    length = length_bias(first[used], labels[used], lengths[used], clusters[used], _CONFIDENCE)
    return {"position": position, "length": length}


async def _pairwise_biases(
    judge: PairwiseJudge, labelled: Sequence[Labelled], means: Means, clusters: Labels
) -> dict[str, Estimate | None]:
    rows, answers = [each.row for each in labelled], [each.answer for each in labelled]
    compared = await judge.prefer(rows, answers, [row.reference for row in rows], means)
    padded = [replace(answer, text=answer.text + FILLER) for answer in answers]
    beside_filler = await judge.prefer(rows, padded, [answer.text for answer in answers], means)
    places = np.array([each.first_place / 2 if isinstance(each, Preference) else np.nan for each in compared])
    known = ~np.isnan(places)
    apart = (places[known] != 0).astype(np.float64)
    longer = np.array([float(each.value) if isinstance(each, Preference) else np.nan for each in beside_filler])
    there = ~np.isnan(longer)
    low_high = mean_interval(apart, clusters[known], _CONFIDENCE, 0.0, 1.0) if known.any() else None
    return {
        "position": _difference("position bias", places[known], clusters[known], 1.0, len(rows)),
        "disagreement": low_high and _estimate("orders that disagree", *low_high, int(known.sum()), len(rows)),
        "length": _difference("preference for filler", longer[there], clusters[there], 1.0, len(rows)),
    }


def _difference(name: str, differences: Floats, clusters: Labels, reach: float, rows: int) -> Estimate | None:
    if not differences.size:
        return None
    found = difference_interval(differences, clusters, _CONFIDENCE, reach)
    return _estimate(name, *found, differences.size, rows)


def _estimate(name: str, value: float, low: float, high: float, method: str, n: int, rows: int) -> Estimate:
    return Estimate(
        metric=name,
        value=value,
        low=low,
        high=high,
        n=n,
        coverage=n / rows,
        confidence=_CONFIDENCE,
        method=method,
    )


def _scores(rated: Sequence[Rated]) -> Floats:
    """Returns the scores, NaN where there is none.

    Raises:
        BudgetUsedUp: the budget does not reach: a part of the labels would be another set of labels.
    """
    for each in rated:
        if isinstance(each, BudgetUsedUp):
            raise each
    values = [each.value if isinstance(each, Rating) else None for each in rated]
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def _line(labelled: Labelled, rated: Rated) -> dict[str, Any]:
    known = isinstance(rated, Rating)
    return {
        "row_id": labelled.row_id,
        "question": labelled.row.question,
        "answer": labelled.answer.text,
        "label": labelled.label,
        "score": rated.value if isinstance(rated, Rating) else None,
        "why": rated.why if isinstance(rated, Rating) else str(rated),
        "outcome": "ok" if known else "scorer_error",
    }
