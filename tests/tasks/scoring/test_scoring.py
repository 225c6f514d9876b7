"""What a scorer does never falsifies a score: whatever fails is the instrument's failure."""

import math

import numpy as np
import pandas as pd
import pytest

from tasks.calling.answer import Latency, Outcome, Usage
from tasks.results.frames import to_frames
from tasks.scoring.abstention import abstention
from tasks.scoring.overlap import contains, exact
from tasks.scoring.scorer import Rating, scorer
from tasks.scoring.scoring import score
from tasks.scoring.usage import usage_values


def returning(given, **options):
    """Returns a scorer that returns or raises something."""

    @scorer("quality", version="1", **options)
    def broken(_row, _answer):
        """Fails."""
        if isinstance(given, BaseException):
            raise given
        return given

    return broken


def test_failed_and_skipped_rows_keep_their_outcome_where_the_metric_applies(row, answer):
    answers = [answer("", outcome=Outcome.APP_ERROR, cause="status 500"), answer("", outcome=Outcome.SKIPPED)]
    rows = [row(reference="x", answerable=True)] * 2
    scores = score(rows, answers, [exact, abstention])
    assert [(each.metric, each.value, each.outcome) for each in scores] == [
        ("exact", None, Outcome.APP_ERROR),
        ("exact", None, Outcome.SKIPPED),
        ("abstention", None, Outcome.OK),
        ("abstention", None, Outcome.OK),
    ]
    assert scores[0].why == "status 500"


@pytest.mark.parametrize(
    "given",
    [
        math.nan,
        math.inf,
        -0.1,
        1.1,
        "0.5",
        b"1",
        [0.5],
        {"value": 1},
        Rating("0.5"),
        Rating(math.nan),
        Rating(0.5, why=None),
        ZeroDivisionError("by\nzero"),
        SystemExit(3),
    ],
    ids=repr,
)
def test_a_scorer_that_fails_is_an_error_and_never_a_zero(row, answer, given):
    (only,) = score([row()], [answer("x")], [returning(given)])
    assert (only.value, only.outcome) == (None, Outcome.SCORER_ERROR)
    assert only.why
    assert "\n" not in only.why


@pytest.mark.parametrize(
    ("given", "value"), [(True, 1), (1, 1), (0.5, 0.5), (None, None), (np.float32(0.25), 0.25), (np.bool_(True), 1)]
)
def test_a_bare_number_is_a_rating_without_a_reason(row, answer, given, value):
    (only,) = score([row()], [answer("x")], [returning(given)])
    assert (only.value, only.why, only.outcome) == (value, "", Outcome.OK)


def test_a_scorer_has_the_range_it_declares(row, answer):
    def outcome(value):
        return score([row()], [answer("x")], [returning(value, low=1, high=5)])[0].outcome

    assert [outcome(value) for value in (0.9, 1, 5, 5.1)] == ["scorer_error", "ok", "ok", "scorer_error"]
    assert score([row()], [answer("x")], [returning(1e9, high=None)])[0].value == 1e9


def test_scores_come_in_the_order_of_scorers_then_rows(row, answer):
    scores = score([row(reference="x")] * 2, [answer("x"), answer("y")], [exact, contains])
    assert [(each.metric, each.value) for each in scores] == [
        ("exact", 1),
        ("exact", 0),
        ("contains", 1),
        ("contains", 0),
    ]


def test_what_was_not_measured_is_unknown_and_never_free(row, answer):
    answers = [
        answer("a", usage=Usage(10, 5, 4), price=0.5, latency=Latency(1.0, 0.2, 0.1)),
        answer("b", usage=Usage(), price=None, latency=Latency(2.0)),
        answer("", outcome=Outcome.APP_ERROR, usage=Usage(3, 1), price=0.1, latency=Latency(9.0)),
    ]
    rows, _ = to_frames([row()] * 3, answers, [])
    nan = math.nan
    expected = {
        "input_tokens": [10, nan, nan],
        "cached_tokens": [4, nan, nan],
        "price": [0.5, nan, nan],
        "latency_total": [1, 2, nan],
    }
    for name, values in expected.items():
        pd.testing.assert_series_equal(usage_values(rows, name), pd.Series(values, dtype=float), check_names=False)
