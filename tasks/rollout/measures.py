"""What a candidate on trial is judged by: each answer as a number between 0 and 1, the higher the better."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from configs.errors import ConfigurationError
from configs.loading import LoadedApp
from configs.schema.release import Rollout
from tasks.calling.answer import Answer, Outcome
from tasks.data.row import Row
from tasks.scoring.abstaining import abstains
from tasks.scoring.catalogue import scorers_of
from tasks.scoring.score import Metric
from tasks.scoring.scorer import Scorer
from tasks.scoring.scoring import score
from tasks.serving.served import Served

_TIMES = ("latency_total", "latency_per_token", "price")
_RATES = ("error_rate", "abstention_rate")


class Measure(NamedTuple):
    """One metric of a rollout.

    Attributes:
        name: of the metric.
        margin: by how much a candidate may be worse, as a share of the range.
        scorer: rates an answer; None for rates, times and prices.
    """

    name: str
    margin: float
    scorer: Scorer | None

    @property
    def unbounded(self) -> bool:
        """Whether it knows no largest, so that answers above a limit are counted."""
        return self.name in _TIMES


def measures_of(loaded: LoadedApp, rollout: Rollout) -> tuple[Measure, ...]:
    """Returns what an app's rollouts are judged by.

    Raises:
        ConfigurationError: a metric is unknown, needs a reference, asks a model, is made of others, or knows no
            largest.
    """
    plain = {each.metric.name: each for each in scorers_of(loaded) if isinstance(each, Scorer)}
    anybodys = Row(id="", messages=(), columns={})
    usable = {
        name: each
        for name, each in plain.items()
        if each.metric.of_rows and each.metric.high is not None and not each.lacking(anybodys)
    }
    known = (*_RATES, *_TIMES, *usable)
    for each in rollout.metrics:
        if each.metric not in known:
            raise ConfigurationError(
                f"app {loaded.app.name}: key `release.rollout.metrics`: {each.metric!r} cannot judge a rollout; "
                f"known are {', '.join(known)}"
            )
    return tuple(Measure(each.metric, each.margin, usable.get(each.metric)) for each in rollout.metrics)


def goodness(
    served: Served, measures: Sequence[Measure], limits: Mapping[str, float], phrases: tuple[str, ...]
) -> dict[str, float]:
    """Returns each measure of one answer; NaN where it should have one and has none, left out where it does not apply.

    An answer that failed is the worst on every measure, and so is one that the app's fallback model gave instead: the
    candidate's own had none. One whose client went away has none but its failing to come, one that calls tools no text.

    Args:
        served: the answer.
        measures: what is measured.
        limits: by the name of a time or price, what counts as too much; those without a limit are left out.
        phrases: by which an abstention is recognised.
    """
    answer = served.answer
    skipped = answer.outcome is Outcome.SKIPPED
    good = answer.outcome is Outcome.OK and not served.fallback
    found: dict[str, float] = {}
    for measure in measures:
        if measure.unbounded and measure.name not in limits:
            continue
        if measure.name == "error_rate":
            found[measure.name] = float(good)
        elif skipped:
            continue
        elif not good:
            found[measure.name] = 0.0
        elif measure.unbounded:
            value = taken(answer, measure.name)
            found[measure.name] = math.nan if value is None else float(value <= limits[measure.name])
        elif answer.tool_calls:
            continue
        elif measure.name == "abstention_rate":
            found[measure.name] = float(not abstains(answer.text, phrases))
        elif measure.scorer is not None:
            found |= _rated(served, measure.scorer, measure.name)
    return found


def limits_of(served: Iterable[Served], measures: Sequence[Measure], least: int) -> dict[str, float]:
    """Returns what counts as too long or too dear: more than the champion's answers take but for a twentieth of them.

    Args:
        served: answers of the champion.
        measures: what is measured.
        least: answers below which nothing is said of a measure.

    Returns:
        By measure; those that too few answers have are left out.
    """
    answers = [each.answer for each in served if each.answer.outcome is Outcome.OK and not each.fallback]
    found: dict[str, float] = {}
    for measure in measures:
        if not measure.unbounded:
            continue
        values = sorted(value for answer in answers if (value := taken(answer, measure.name)) is not None)
        if len(values) >= max(least, 1):
            found[measure.name] = values[math.ceil(0.95 * len(values)) - 1]
    return found


def taken(answer: Answer, name: str) -> float | None:
    """Returns a time in seconds or a price in US dollars of an answer, None where it is not known."""
    if name == "price":
        return answer.price
    if name == "latency_total":
        return answer.latency.total or None
    return answer.latency.per_output_token


def _rated(served: Served, scorer: Scorer, name: str) -> dict[str, float]:
    row = Row(id=served.id, messages=served.messages, columns=served.columns)
    (given,) = score([row], [served.answer], [scorer])
    if given.value is not None:
        return {name: _share(given.value, scorer.metric)}
    return {name: math.nan} if given.outcome is Outcome.SCORER_ERROR else {}


def _share(value: float, metric: Metric) -> float:
    share = (value - metric.low) / ((math.inf if metric.high is None else metric.high) - metric.low)
    return share if metric.direction == "higher" else 1 - share
