"""The scorers there are, and those an app names."""

from collections.abc import Callable, Iterable, Sequence
from pkgutil import resolve_name

from configs.errors import ConfigurationError
from configs.loading import LoadedApp
from configs.schema.scorer import ScorerConfig
from tasks.judging.judge import judge_of
from tasks.scoring.abstention import abstention, over_refusal, refusal, wrong_abstention
from tasks.scoring.asked import AskedScorer, MakeAsked
from tasks.scoring.citations import citation_precision, citation_recall
from tasks.scoring.embedding_similarity import embedding_similarity
from tasks.scoring.files import file_scorer, with_files
from tasks.scoring.grounding import citation, support
from tasks.scoring.injection import injection_followed
from tasks.scoring.json_schema import json_schema
from tasks.scoring.labels import label_accuracy, label_precision, label_recall
from tasks.scoring.leaking import canary_leak, prompt_leak
from tasks.scoring.ngrams import bleu, chrf, rouge_1, rouge_2, rouge_l
from tasks.scoring.numeric import numeric
from tasks.scoring.overlap import contains, exact, token_f1
from tasks.scoring.passes import check_passes, pass_at_k_of, pass_hat_k_of
from tasks.scoring.pii import pii_leak
from tasks.scoring.profanity import profanity
from tasks.scoring.ranking import hit_rate, holes, holes_ratio, mrr, ndcg_at_k, precision_at_k, recall_at_k
from tasks.scoring.ratios import price_per_correct_of
from tasks.scoring.score import Metric
from tasks.scoring.scorer import Scorer
from tasks.scoring.strings import regex_match, string_similarity
from tasks.scoring.usage import USAGE_METRICS

QUALITY = (
    exact, contains, regex_match, json_schema, numeric, string_similarity, token_f1, bleu, chrf, rouge_1, rouge_2,
    rouge_l, label_accuracy, label_precision, label_recall,
)  # fmt: skip
RETRIEVAL = (hit_rate, recall_at_k, precision_at_k, mrr, ndcg_at_k, holes, holes_ratio)
HONESTY = (support, citation, citation_precision, citation_recall, abstention, wrong_abstention)
HARM = (pii_leak, profanity, refusal, over_refusal, canary_leak, prompt_leak, injection_followed)

SCORERS: dict[str, Scorer] = {each.metric.name: each for each in (*QUALITY, *RETRIEVAL, *HONESTY, *HARM)}
"""Every plain scorer by its name."""

ASKED: dict[str, MakeAsked] = {"embedding_similarity": embedding_similarity}
"""What makes the scorers that ask a model, by their names."""

RATIOS: dict[str, Callable[[ScorerConfig], Scorer]] = {"price_per_correct": price_per_correct_of}
"""What makes the metrics that are ratios of two others, by their names; they rate no row."""

PASSES: dict[str, Callable[[ScorerConfig], Scorer]] = {"pass_at_k": pass_at_k_of, "pass_hat_k": pass_hat_k_of}
"""What makes the metrics of several answers to a row, by their names; they rate no answer."""

_OF_OTHERS = RATIOS | PASSES

_ELSEWHERE = {"mlflow": "tasks.tracking.mlflow_scorers:mlflow_scorer"}
"""What makes scorers of other libraries, by the prefix of their names; imported only where an app names one."""


def scorers_of(loaded: LoadedApp) -> tuple[Scorer | AskedScorer, ...]:
    """Returns the scorers an app names, in its order, with their settings.

    Raises:
        ConfigurationError: a name is unknown or comes twice, a file holds no such scorer, or a setting is not allowed.
    """
    names = [config.name for config in loaded.app.scorers]
    for name in names:
        if names.count(name) > 1:
            raise ConfigurationError(
                f"app.yaml key `scorers`: {name!r} is named twice; name each metric once, and the scorer under `scorer`"
            )
        if name in USAGE_METRICS:
            raise ConfigurationError(f"app.yaml key `scorers`: {name!r} is always measured; choose another name")
    scorers = tuple(scorer_of(config, loaded) for config in loaded.app.scorers)
    _check_ratios(scorers)
    check_passes((scorer.metric for scorer in scorers), loaded.app.repeats)
    return scorers


def scorer_of(config: ScorerConfig, loaded: LoadedApp) -> Scorer | AskedScorer:
    """Returns one scorer of an app's.

    Raises:
        ConfigurationError: there is none of that name, or it cannot be used so.
    """
    name = config.scorer or config.name
    prefix = name.partition(":")[0] if ":" in name else ""
    if config.file:
        return _configured(file_scorer(loaded.path(config.file), name), config, loaded)
    if name in SCORERS:
        return _configured(SCORERS[name], config, loaded)
    if name in ASKED:
        return ASKED[name](config, loaded)
    if name in _OF_OTHERS:
        return _OF_OTHERS[name](config)
    if prefix in _ELSEWHERE:
        make: MakeAsked = resolve_name(_ELSEWHERE[prefix])
        return make(config, loaded)
    if config.model:
        return judge_of(config, loaded)
    known = ", ".join(sorted((*SCORERS, *ASKED, *_OF_OTHERS)))
    raise ConfigurationError(f"app.yaml key `scorers`: unknown scorer {name!r}; known are {known}")


def metrics_of(scorers: Iterable[Scorer | AskedScorer]) -> dict[str, Metric]:
    """Returns every metric of an app by its name: its scorers', then those of cost and latency."""
    return {scorer.metric.name: scorer.metric for scorer in scorers} | USAGE_METRICS


def identities(scorers: Iterable[Scorer | AskedScorer]) -> tuple[str, ...]:
    """Returns `name:version:settings` of each scorer: what their scores and ratios depend on."""
    return tuple(scorer.identity for scorer in scorers)


def check_columns(scorers: Iterable[Scorer | AskedScorer], present: Sequence[str]) -> None:
    """Checks that the columns that scorers are told to read are there, before anything is asked.

    Args:
        scorers: the app's.
        present: the columns of the dataset.

    Raises:
        ConfigurationError: no row has a column that a scorer's setting names.
    """
    for scorer in scorers:
        for column in scorer.columns:
            if column not in present:
                raise ConfigurationError(
                    f"app.yaml key `scorers`: {scorer.metric.name}.settings: no column {column!r} in the dataset; "
                    f"columns present are {', '.join(present) or 'none'}"
                )


def _configured(scorer: Scorer, config: ScorerConfig, loaded: LoadedApp) -> Scorer:
    """Returns a plain scorer as an app configures it."""
    if config.model:
        raise ConfigurationError(f"app.yaml key `scorers`: {config.name}: asks no model; remove `model`")
    return scorer.configured(config, with_files(config.settings, loaded))


def _check_ratios(scorers: Iterable[Scorer | AskedScorer]) -> None:
    """Refuses a ratio of metrics that are not measured."""
    known = {name: metric for name, metric in metrics_of(scorers).items() if metric.of_rows}
    for scorer in scorers:
        for name in scorer.metric.ratio or ():
            if name not in known:
                raise ConfigurationError(
                    f"app.yaml key `scorers`: {scorer.metric.name}: unknown metric {name!r}; "
                    f"known are {', '.join(sorted(known))}"
                )
