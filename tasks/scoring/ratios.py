"""Metrics of a whole evaluation: the ratio of two metrics' means, which no single row has."""

from dataclasses import replace

from configs.errors import ConfigurationError
from configs.schema.scorer import ScorerConfig
from tasks.calling.answer import Answer
from tasks.data.row import Row
from tasks.scoring.scorer import Rating, Scorer, scorer


def price_per_correct(config: ScorerConfig) -> Scorer:
    """Makes the metric `price_per_correct`: what one answer costs that is right, all the wrong ones paid for.

    Kapoor et al. (2024, "AI Agents That Matter") report cost beside accuracy; this is their quotient. The setting
    `correct` names the metric that counts as correct, whose mean is between 0 and 1.

    Raises:
        ConfigurationError: `correct` is not set, or another setting is.
    """
    made = _price_per_correct.configured(config, config.settings)
    correct = made.settings.get("correct")
    if not isinstance(correct, str):
        raise ConfigurationError(
            f"app.yaml key `scorers`: {config.name}.settings.correct: not set; name the metric that counts as correct"
        )
    return replace(made, metric=made.metric._replace(ratio=("price", correct)))


@scorer("cost", "lower", version="1", high=None, unit="USD")
def _price_per_correct(_row: Row, _answer: Answer, *, correct: str = "") -> Rating:  # noqa: ARG001
    """Price of one correct answer, the wrong ones paid for: mean price over the mean of the metric `correct`."""
    return Rating(None, "a ratio of two means")
