"""Labels come beside the scores of exactly the answers that they were given to."""

import pytest

from configs.errors import DataError
from tasks.judging.labels import Label, answer_digest
from tasks.judging.people import People


@pytest.fixture
def relevance(make_app, judge):
    return judge(make_app("http://127.0.0.1:9/v1"))


def label(row_id, value, text="mine", **rest):
    return Label(row_id, "relevance", value, answer_digest(text) if text else "", **rest)


@pytest.fixture
def beside(relevance, scored):
    """The labels beside an evaluation of the answer "mine" to r1, r2 and r3."""

    def make(*labels):
        people = People([relevance], labels)
        for row_id in ("r1", "r2", "r3"):
            people.take(row_id, "mine")
        return people.beside(scored).scores

    return make


def test_a_label_counts_for_the_answer_it_was_given_to(beside):
    scores = beside(label("r1", 4), label("r2", 2, "another's"), label("r3", 5))
    assert scores["relevance.people"].fillna(0).tolist() == [4, 0, 5]


def test_the_last_label_counts_and_one_that_tuned_the_prompt_never(beside):
    scores = beside(label("r1", 4), label("r1", 2), label("r2", 3), label("r2", 3, tuning=True), label("r3", 1))
    assert scores["relevance.people"].fillna(0).tolist() == [2, 0, 1]


def test_a_label_that_names_no_text_may_be_of_another_answer(beside):
    assert "relevance.people" not in beside(label("r1", 4, text=""))


def test_without_labels_nothing_is_added(beside, scored):
    assert beside().equals(scored.scores)


def test_a_label_off_the_scale_is_refused(relevance):
    with pytest.raises(DataError, match=r"labels\.csv line 2: label 9 of relevance is outside its scale, 1 to 5"):
        People([relevance], [label("r1", 9, where="labels.csv line 2")])


@pytest.fixture
def scored(make_candidate, make_app):
    import pandas as pd

    from tasks.results.evaluation import Evaluation

    rows = pd.DataFrame({"row_id": ["r1", "r2", "r3"]})
    scores = pd.DataFrame({"relevance": [5.0, 5.0, 5.0], "relevance.applies": [True] * 3})
    candidate = make_candidate(make_app("http://127.0.0.1:9/v1"))
    return Evaluation("e", "e", candidate, "sample", "data", "first", rows, scores, ())
