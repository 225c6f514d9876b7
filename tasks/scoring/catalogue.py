"""The scorers there are, those an app names, and the scoring of answers with them."""

import math
from collections.abc import Sequence

from configs.errors import ConfigurationError
from configs.schema.scorer import ScorerConfig
from tasks.calling.answer import Answer, Outcome
from tasks.data.row import Row
from tasks.scoring.abstention import abstention, over_refusal
from tasks.scoring.grounding import citation, support
from tasks.scoring.overlap import contains, exact, token_f1
from tasks.scoring.pii import pii_leak
from tasks.scoring.profanity import profanity
from tasks.scoring.score import Metric, Score
from tasks.scoring.scorer import Scorer
from tasks.scoring.usage import USAGE_METRICS

SCORERS: dict[str, Scorer] = {
    each.metric.name: each
    for each in (exact, contains, token_f1, abstention, citation, support, over_refusal, pii_leak, profanity)
}
"""Every scorer by its name."""


def scorers_of(configs: Sequence[ScorerConfig]) -> tuple[Scorer, ...]:
    """Returns the scorers an app names, in its order, with their settings.

    Raises:
        ConfigurationError: a name is unknown or comes twice, or a setting is not allowed.
    """
    names = [config.name for config in configs]
    for name in names:
        if name not in SCORERS:
            raise ConfigurationError(
                f"app.yaml key `scorers`: unknown scorer {name!r}; known are {', '.join(sorted(SCORERS))}"
            )
        if names.count(name) > 1:
            raise ConfigurationError(f"app.yaml key `scorers`: {name!r} is named twice; name each scorer once")
    return tuple(SCORERS[config.name].configured(config.settings) for config in configs)


def metrics_of(configs: Sequence[ScorerConfig]) -> dict[str, Metric]:
    """Returns every metric of an app by its name: its scorers', then those of cost and latency."""
    return {scorer.metric.name: scorer.metric for scorer in scorers_of(configs)} | USAGE_METRICS


def identities(configs: Sequence[ScorerConfig]) -> tuple[str, ...]:
    """Returns `name:version:settings` of each scorer: what their scores depend on."""
    return tuple(scorer.identity for scorer in scorers_of(configs))


def without_labels(configs: Sequence[ScorerConfig]) -> tuple[ScorerConfig, ...]:
    """Returns the scorers that can rate a served request, which has no reference and no other label."""
    labelled = {scorer.metric.name for scorer in scorers_of(configs) if scorer.needs_labels}
    return tuple(config for config in configs if config.name not in labelled)


def check_columns(configs: Sequence[ScorerConfig], present: Sequence[str]) -> None:
    """Checks that the columns that scorers are told to read are there, before anything is asked.

    Args:
        configs: the app's scorers.
        present: the columns of the dataset.

    Raises:
        ConfigurationError: no row has a column that a scorer's setting `column` names.
    """
    for config in configs:
        column = config.settings.get("column")
        if column and column not in present:
            raise ConfigurationError(
                f"app.yaml key `scorers`: {config.name}.settings.column: no column {column!r} in the dataset; "
                f"columns present are {', '.join(present) or 'none'}"
            )


def score(rows: Sequence[Row], answers: Sequence[Answer], configs: Sequence[ScorerConfig]) -> list[Score]:
    """Scores answers, which stand in the rows' order, with each scorer of the app; scorer by scorer.

    A scorer that raises, or returns what is no number from its range, gives a score with outcome `scorer_error` and
    the cause, never a zero. A row that was not answered gives its own outcome, where the metric applies to it.
    """
    return [
        _score(scorer, row, answer) for scorer in scorers_of(configs) for row, answer in zip(rows, answers, strict=True)
    ]


def _score(scorer: Scorer, row: Row, answer: Answer) -> Score:
    metric = scorer.metric
    if lacking := scorer.lacking(row):
        return Score(row.id, metric.name, None, lacking)
    if answer.outcome is not Outcome.OK:
        return Score(row.id, metric.name, None, answer.cause, answer.outcome)
    try:
        value, why = scorer(row, answer)
        number = None if value is None else float(value)
    except Exception as error:  # whatever a scorer does, the other scores stand
        return _failed(row, metric, f"{type(error).__name__}: {error}")
    if number is not None and not _in_range(number, metric):
        return _failed(row, metric, f"returned {number}, allowed is {metric.low:g} to {metric.high}")
    return Score(row.id, metric.name, number, why)


def _failed(row: Row, metric: Metric, cause: str) -> Score:
    return Score(row.id, metric.name, None, " ".join(cause.split()), Outcome.SCORER_ERROR)


def _in_range(value: float, metric: Metric) -> bool:
    return math.isfinite(value) and value >= metric.low and (metric.high is None or value <= metric.high)
