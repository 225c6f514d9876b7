import math

import pandas as pd
import pytest

from configs.errors import ConfigurationError
from configs.schema.scorer import ScorerConfig
from tasks.calling.answer import Latency, Outcome, Usage
from tasks.results.frames import to_frames
from tasks.scoring import catalogue
from tasks.scoring.catalogue import (
    SCORERS,
    check_columns,
    identities,
    metrics_of,
    score,
    scorers_of,
    without_labels,
)
from tasks.scoring.scorer import Rating, scorer
from tasks.scoring.usage import usage_values

ALL = [ScorerConfig(name=name) for name in SCORERS]


def test_every_dimension_is_judged():
    metrics = metrics_of(ALL)
    assert {metric.dimension for metric in metrics.values()} == {"quality", "honesty", "harm", "cost", "latency"}
    assert all(metric.description and metric.version for metric in metrics.values())
    assert {"price", "latency_first_token", "input_tokens"} < metrics_of([]).keys()


def test_an_unknown_scorer_lists_those_known():
    with pytest.raises(ConfigurationError, match=r"unknown scorer 'f1'; known are abstention, citation"):
        scorers_of([ScorerConfig(name="f1")])


def test_a_scorer_named_twice_is_refused():
    with pytest.raises(ConfigurationError, match="'exact' is named twice"):
        scorers_of([ScorerConfig(name="exact"), ScorerConfig(name="exact")])


@pytest.mark.parametrize(
    ("name", "settings", "said"),
    [
        ("exact", {"column": "fact"}, "exact.settings.column: unknown setting; known are none"),
        ("contains", {"colum": "fact"}, "unknown setting; known are column"),
        ("contains", {"column": 3}, "found 3; allowed is a value like ''"),
        ("profanity", {"threshold": True}, "found True; allowed is a value like 0.5"),
        ("abstention", {"phrases": "no idea"}, "found 'no idea'"),
    ],
)
def test_a_setting_that_cannot_be_meant_is_refused(name, settings, said):
    with pytest.raises(ConfigurationError) as error:
        scorers_of([ScorerConfig(name=name, settings=settings)])
    assert said in str(error.value)


def test_a_whole_number_is_a_number():
    assert scorers_of([ScorerConfig(name="profanity", settings={"threshold": 1})])[0].settings == {"threshold": 1}


def test_identity_is_name_version_and_what_differs_from_the_defaults():
    assert identities([ScorerConfig(name="exact")]) == ("exact:1:",)
    assert identities([ScorerConfig(name="contains", settings={"column": "fact"})]) == ("contains:1:column='fact'",)
    assert identities([ScorerConfig(name="contains", settings={"column": ""})]) == ("contains:1:",)


def test_served_requests_are_rated_by_what_needs_no_label():
    assert {config.name for config in without_labels(ALL)} == {"support", "pii_leak", "profanity"}


def test_a_column_that_no_row_has_is_said_before_anything_is_asked(row):
    configs = [ScorerConfig(name="contains", settings={"column": "fact"})]
    check_columns(configs, ("fact",))
    with pytest.raises(ConfigurationError, match=r"no column 'fact' in the dataset; columns present are id"):
        check_columns(configs, ("id",))


def test_failed_and_skipped_rows_keep_their_outcome_where_the_metric_applies(row, answer):
    answers = [answer("", outcome=Outcome.APP_ERROR, cause="status 500"), answer("", outcome=Outcome.SKIPPED)]
    rows = [row(reference="x", answerable=True)] * 2
    scores = score(rows, answers, [ScorerConfig(name="exact"), ScorerConfig(name="abstention")])
    assert [(each.metric, each.value, each.outcome) for each in scores] == [
        ("exact", None, Outcome.APP_ERROR),
        ("exact", None, Outcome.SKIPPED),
        ("abstention", None, Outcome.OK),
        ("abstention", None, Outcome.OK),
    ]
    assert scores[0].why == "status 500"


@pytest.mark.parametrize("given", [math.nan, math.inf, -0.1, 1.1, "many", ZeroDivisionError("by\nzero")])
def test_a_scorer_that_fails_is_an_error_and_never_a_zero(row, answer, monkeypatch, given):
    @scorer("quality", version="1")
    def broken(_row, _answer):
        """Fails."""
        if isinstance(given, Exception):
            raise given
        return Rating(given)

    monkeypatch.setitem(catalogue.SCORERS, "broken", broken)
    (only,) = score([row()], [answer("x")], [ScorerConfig(name="broken")])
    assert (only.value, only.outcome) == (None, Outcome.SCORER_ERROR)
    assert only.why
    assert "\n" not in only.why


def test_scores_come_in_the_order_of_scorers_then_rows(row, answer):
    scores = score([row(reference="x")] * 2, [answer("x"), answer("y")], ALL[:2])
    assert [(each.metric, each.value) for each in scores] == [
        ("exact", 1),
        ("exact", 0),
        ("contains", 1),
        ("contains", 0),
    ]


def test_what_was_not_measured_is_unknown_and_never_free(row, answer):
    answers = [
        answer("a", usage=Usage(10, 5), price=0.5, latency=Latency(1.0, 0.2, 0.1)),
        answer("b", usage=Usage(), price=None, latency=Latency(2.0)),
        answer("", outcome=Outcome.APP_ERROR, usage=Usage(3, 1), price=0.1, latency=Latency(9.0)),
    ]
    rows, _ = to_frames([row()] * 3, answers, [])
    nan = math.nan
    expected = {"input_tokens": [10, nan, nan], "price": [0.5, nan, nan], "latency_total": [1, 2, nan]}
    for name, values in expected.items():
        pd.testing.assert_series_equal(usage_values(rows, name), pd.Series(values, dtype=float), check_names=False)
