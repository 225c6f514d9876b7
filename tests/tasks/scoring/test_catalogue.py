"""An app names scorers: by name, under other names, from a file; what cannot be meant is one line."""

import pytest

from configs.errors import ConfigurationError
from tasks.scoring.catalogue import SCORERS, check_columns, identities, metrics_of, scorers_of

NOWHERE = "http://127.0.0.1:9/v1"


@pytest.fixture
def named(make_app):
    """Returns the scorers that an app names so."""
    return lambda *configs: scorers_of(make_app(NOWHERE, scorers=list(configs)))


def test_every_dimension_is_judged():
    metrics = metrics_of(SCORERS.values())
    assert {metric.dimension for metric in metrics.values()} == {"quality", "honesty", "harm", "cost", "latency"}
    assert all(metric.description and metric.version for metric in metrics.values())
    assert {"price", "latency_first_token", "input_tokens", "cached_tokens"} < metrics_of([]).keys()


@pytest.mark.parametrize(
    ("configs", "said"),
    [
        ([{"name": "f1"}], "unknown scorer 'f1'; known are abstention, bleu"),
        ([{"name": "exact"}, {"name": "exact"}], "'exact' is named twice; name each metric once"),
        ([{"name": "price"}], "'price' is always measured; choose another name"),
        ([{"name": "exact", "settings": {"column": "a"}}], "exact.settings.column: unknown setting; known are none"),
        ([{"name": "contains", "settings": {"colum": "fact"}}], "unknown setting; known are column"),
        ([{"name": "contains", "settings": {"column": 3}}], "found 3; allowed is a value like ''"),
        ([{"name": "profanity", "settings": {"threshold": True}}], "found True; allowed is a value like 0.5"),
        ([{"name": "abstention", "settings": {"phrases": "no idea"}}], "found 'no idea'"),
        ([{"name": "exact", "model": "chat"}], "exact: asks no model; remove `model`"),
        ([{"name": "regex_match"}], "regex_match.settings: `pattern` is not set"),
        ([{"name": "regex_match", "settings": {"pattern": "("}}], "'(' is no regular expression: missing )"),
        ([{"name": "recall_at_k", "settings": {"k": -1}}], "recall_at_k.settings: k: found -1"),
        ([{"name": "numeric", "settings": {"relative": -1}}], "neither may be below 0"),
        ([{"name": "numeric", "settings": {"pick": "best"}}], "found 'best'; allowed are first, last, any"),
        ([{"name": "bleu", "settings": {"tokenizer": "mine"}}], "found 'mine'; allowed are words, 13a"),
        ([{"name": "label_precision"}], "label: not set"),
        ([{"name": "label_accuracy", "settings": {"find": "first"}}], "`labels` names none"),
        ([{"name": "label_recall", "settings": {"label": "c", "labels": ["a", "b"]}}], "found 'c'; `labels` are a, b"),
        ([{"name": "pii_leak", "settings": {"kinds": ["NAME"]}}], "found NAME; allowed are EMAIL_ADDRESS"),
        ([{"name": "canary_leak"}], "set `canaries`"),
        ([{"name": "canary_leak", "settings": {"canaries": ["x1"]}}], "fewer than 4 letters and digits"),
        ([{"name": "injection_followed"}], "set `column`"),
        ([{"name": "json_schema"}], "set either `schema_file`"),
        ([{"name": "json_schema", "settings": {"schema_file": "no.json"}}], "names 'no.json', but"),
        ([{"name": "price_per_correct"}], "price_per_correct.settings.correct: not set"),
        ([{"name": "price_per_correct", "settings": {"correct": "joy"}}], "unknown metric 'joy'; known are"),
        (
            [{"name": "embedding_similarity", "model": "chat"}],
            "'chat' is no embedding model; known are minilm, vectors",
        ),
        ([{"name": "warm", "file": "no.py"}], "names 'no.py', but"),
    ],
)
def test_what_cannot_be_meant_is_one_line(named, configs, said):
    with pytest.raises(ConfigurationError) as error:
        named(*configs)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_a_whole_number_is_a_number(named):
    assert named({"name": "profanity", "settings": {"threshold": 1}})[0].settings == {"threshold": 1}


def test_identity_is_name_version_and_what_differs_from_the_defaults(named):
    def identity(**config):
        return identities(named(config))

    assert identity(name="exact") == ("exact:1:",)
    assert identity(name="contains", settings={"column": "fact"}) == ("contains:2:column='fact'",)
    assert identity(name="contains", settings={"column": ""}) == ("contains:2:",)
    assert identity(name="exact", scorer="exact") == ("exact:1:",)
    assert identity(name="same", scorer="exact") == ("same=exact:1:",)


def test_one_scorer_gives_several_metrics(named):
    first, all_ = named(
        {"name": "recall_at_1", "scorer": "recall_at_k", "settings": {"k": 1}, "dimension": "honesty"},
        {"name": "recall", "scorer": "recall_at_k", "settings": {"k": 0}},
    )
    assert (first.metric.name, all_.metric.name) == ("recall_at_1", "recall")
    assert (first.metric.dimension, all_.metric.dimension) == ("honesty", "quality")
    assert identities((first, all_)) == ("recall_at_1=recall_at_k:1:k=1", "recall=recall_at_k:1:k=0")


def test_price_per_correct_is_a_ratio_of_two_metrics_and_rates_no_row(named):
    scorers = named({"name": "exact"}, {"name": "price_per_correct", "settings": {"correct": "exact"}})
    metric = metrics_of(scorers)["price_per_correct"]
    assert (metric.ratio, metric.dimension, metric.unit) == (("price", "exact"), "cost", "USD")
    assert identities(scorers) == ("exact:1:", "price_per_correct:1:correct='exact'")


def test_a_column_that_no_row_has_is_said_before_anything_is_asked(named):
    scorers = named(
        {"name": "contains", "settings": {"column": "fact"}},
        {"name": "injection_followed", "settings": {"pattern_column": "told"}},
    )
    check_columns(scorers, ("fact", "told"))
    with pytest.raises(ConfigurationError, match=r"no column 'told' in the dataset; columns present are fact"):
        check_columns(scorers, ("fact",))
