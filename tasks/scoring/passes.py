"""Metrics of several answers to one row: is any of k right, are all of them? See `tasks.statistics.repeats`."""

from collections.abc import Iterable
from dataclasses import replace

from configs.errors import ConfigurationError
from configs.schema.scorer import ScorerConfig
from tasks.calling.answer import Answer
from tasks.data.row import Row
from tasks.scoring.score import Metric, Passes
from tasks.scoring.scorer import Rating, Scorer, scorer


def _check(*, of: str, k: int) -> None:
    if not of:
        raise ValueError("of: not set; name the metric that says which answers are right")
    if k < 1:
        raise ValueError(f"k: found {k}; allowed are 1 and more")


@scorer("quality", version="1", check=_check)
def pass_at_k(_row: Row, _answer: Answer, *, of: str = "", k: int = 1) -> Rating:  # noqa: ARG001
    """Probability that at least one of `k` answers to a row is right, as the metric `of` says.

    The unbiased estimate of Chen et al. (2021, "Evaluating Large Language Models Trained on Code") from as many answers
    as the app's `repeats` asks for: 1 − C(n − c, k) / C(n, k), where c of n are right. One value a row, none where
    fewer than `k` of its answers were scored. `of` is a metric of 0 or 1.
    """
    return Rating(None, "of several answers")


@scorer("quality", version="1", check=_check)
def pass_hat_k(_row: Row, _answer: Answer, *, of: str = "", k: int = 1) -> Rating:  # noqa: ARG001
    """Probability that all of `k` answers to a row are right (pass^k), as the metric `of` says.

    How far one can rely on an application that is asked again and again: Yao et al. (2024, τ-bench). Estimated by
    C(c, k) / C(n, k), otherwise as `pass_at_k`.
    """
    return Rating(None, "of several answers")


def pass_at_k_of(config: ScorerConfig) -> Scorer:
    """Returns `pass_at_k` as an app configures it.

    Raises:
        ConfigurationError: a setting is missing or not allowed.
    """
    return _made(pass_at_k, config, every=False)


def pass_hat_k_of(config: ScorerConfig) -> Scorer:
    """Returns `pass_hat_k` as an app configures it; see `pass_at_k_of`."""
    return _made(pass_hat_k, config, every=True)


def check_passes(metrics: Iterable[Metric], repeats: int) -> None:
    """Refuses what cannot be estimated: of a metric that is no 0 or 1, or of more answers than are asked for.

    Args:
        metrics: all of the app's.
        repeats: answers to a row.

    Raises:
        ConfigurationError: says which setting, and what is allowed.
    """
    metrics = tuple(metrics)
    binary = sorted(metric.name for metric in metrics if metric.binary)
    for metric in metrics:
        if metric.passes is None:
            continue
        where = f"app.yaml key `scorers`: {metric.name}.settings"
        if metric.passes.of not in binary:
            raise ConfigurationError(
                f"{where}.of: found {metric.passes.of!r}; allowed is a metric of 0 or 1, known are "
                f"{', '.join(binary) or 'none'}; a scorer of your own says so by `binary=True`"
            )
        if metric.passes.k > repeats:
            raise ConfigurationError(
                f"{where}.k: found {metric.passes.k}; a row has {repeats} answers: raise `repeats` in app.yaml, or "
                f"lower k"
            )


def _made(scorer: Scorer, config: ScorerConfig, *, every: bool) -> Scorer:
    made = scorer.configured(config, config.settings)
    settings = {**scorer.known_settings, **made.settings}
    passes = Passes(str(settings["of"]), int(str(settings["k"])), every)
    return replace(made, metric=made.metric._replace(passes=passes))
