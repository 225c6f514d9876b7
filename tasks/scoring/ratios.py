"""Metrics of a whole evaluation: the ratio of two metrics' means, which no single row has."""

from dataclasses import replace

from configs.errors import ConfigurationError
from configs.schema.scorer import ScorerConfig
from tasks.calling.answer import Answer
from tasks.data.row import Row
from tasks.scoring.scorer import Rating, Scorer, scorer


@scorer("cost", "lower", version="1", high=None, unit="USD")
def price_per_correct(_row: Row, _answer: Answer, *, correct: str = "") -> Rating:  # noqa: ARG001
    """Price of one correct answer, the wrong ones paid for: mean price over the mean of the metric `correct`.

    Kapoor et al. (2024, "AI Agents That Matter") report cost beside accuracy; this is their quotient. The setting
    `correct` names the metric that counts as correct, whose mean is between 0 and 1. No row is rated.
    """
    return Rating(None, "a ratio of two means")


def price_per_correct_of(config: ScorerConfig) -> Scorer:
    """Returns `price_per_correct` as an app configures it, its ratio that of the price and the metric it names.

    Raises:
        ConfigurationError: `correct` is not set, or another setting is.
    """
    made = price_per_correct.configured(config, config.settings)
    correct = made.settings.get("correct")
    if not isinstance(correct, str):
        raise ConfigurationError(
            f"app.yaml key `scorers`: {config.name}.settings.correct: not set; name the metric that counts as correct"
        )
    return replace(made, metric=made.metric._replace(ratio=("price", correct)))
