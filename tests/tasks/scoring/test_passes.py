"""Metrics of several answers to a row: how an app names them, and what cannot be meant."""

import pytest

from configs.errors import ConfigurationError
from configs.loading import load_app
from tasks.scoring.catalogue import identities, metrics_of, scorers_of
from tasks.scoring.score import Passes
from tasks.scoring.scorer import scorer
from tasks.scoring.scoring import score

SCORERS = [
    {"name": "exact"},
    {"name": "token_f1"},
    {"name": "solved_in_3", "scorer": "pass_at_k", "settings": {"of": "exact", "k": 3}},
    {"name": "pass_hat_k", "settings": {"of": "exact", "k": 2}, "dimension": "honesty"},
]


@pytest.fixture
def named(make_app):
    """Returns the scorers of an app that asks every row three times."""
    return lambda *configs: scorers_of(make_app("http://127.0.0.1:9/v1", scorers=list(configs), repeats=3))


def test_they_are_made_of_another_metric_and_rate_no_answer(named, row, answer):
    scorers = named(*SCORERS)
    metrics = metrics_of(scorers)
    assert metrics["solved_in_3"].passes == Passes("exact", 3)
    assert metrics["pass_hat_k"].passes == Passes("exact", 2, every=True)
    assert metrics["pass_hat_k"].dimension == "honesty"
    assert identities(scorers)[2:] == ("solved_in_3=pass_at_k:1:k=3,of='exact'", "pass_hat_k:1:k=2,of='exact'")
    assert {each.metric for each in score([row(reference="a")], [answer("a")], scorers)} == {"exact", "token_f1"}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "pass_at_k.settings: of: not set; name the metric that says which answers are right"),
        ({"of": "exact", "k": 0}, "k: found 0; allowed are 1 and more"),
        ({"of": "exact", "k": 4}, "k: found 4; a row has 3 answers: raise `repeats` in app.yaml, or lower k"),
        ({"of": "token_f1"}, "of: found 'token_f1'; allowed is a metric of 0 or 1, known are exact"),
        ({"of": "price"}, "of: found 'price'; allowed is a metric of 0 or 1, known are exact"),
        ({"of": "pass_at_k"}, "of: found 'pass_at_k'; allowed is a metric of 0 or 1"),
        ({"of": "exact", "n": 3}, "unknown setting; known are of, k"),
    ],
)
def test_what_cannot_be_meant_is_one_line(named, settings, said):
    with pytest.raises(ConfigurationError) as error:
        named({"name": "exact"}, {"name": "token_f1"}, {"name": "pass_at_k", "settings": settings})
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_the_price_of_a_correct_answer_is_not_of_several_answers(named):
    ratio = {"name": "price_per_correct", "settings": {"correct": "solved_in_3"}}
    with pytest.raises(ConfigurationError, match="unknown metric 'solved_in_3'"):
        named(*SCORERS, ratio)


def test_a_scorer_that_says_it_gives_0_or_1_is_held_to_it(row, answer):
    @scorer("quality", version="1", binary=True)
    def sure(_row, given):
        return float(given.text)

    scores = score([row(), row()], [answer("1"), answer("0.5")], [sure])
    assert [(each.value, each.outcome, each.why) for each in scores] == [
        (1, "ok", ""),
        (None, "scorer_error", "returned 0.5, allowed is 0 or 1"),
    ]
    with pytest.raises(TypeError, match="binary, but low is 0 and high None"):
        scorer("quality", version="1", binary=True, high=None)


def test_answers_that_exist_are_not_repeated(make_app, tmp_path):
    make_app("http://127.0.0.1:9/v1", target={"kind": "answers", "path": "rows.jsonl"})
    with pytest.raises(ConfigurationError, match="a target of kind `answers` has one answer a row; leave `repeats` at"):
        load_app(str(tmp_path), ("repeats=2",))
