"""Labels find the answers that they are of, and those that prove nothing are left out and counted."""

from dataclasses import replace

import pytest

from configs.errors import DataError
from tasks.calling.answer import Answer, Outcome
from tasks.data.row import Message, Row
from tasks.judging.answered import Answered
from tasks.judging.labelled import find_labelled
from tasks.judging.labels import Label, answer_digest

NEW = Answered(Row("r1", (Message("user", "q"),)), Answer("r1", Outcome.OK, "the new one"))
OLD = NEW._replace(answer=replace(NEW.answer, text="the old one"))
ANSWERS = (NEW, OLD)


@pytest.fixture
def relevance(make_app, judge):
    return judge(make_app("http://127.0.0.1:9/v1"))


def test_a_label_of_a_text_is_of_that_answer_and_one_of_none_is_of_the_newest(relevance):
    labels = [Label("r1", "relevance", 2, answer_digest("the old one")), Label("r1", "relevance", 5)]
    found = find_labelled(relevance, labels, ANSWERS).labelled
    assert {(each.answer.text, each.label) for each in found} == {("the new one", 5), ("the old one", 2)}
    assert len({each.row.id for each in found}) == 2
    assert {each.row_id for each in found} == {"r1"}


def test_the_last_label_of_an_answer_counts(relevance):
    labels = [Label("r1", "relevance", 2), Label("r1", "fluency", 1), Label("r1", "relevance", 4)]
    assert [each.label for each in find_labelled(relevance, labels, ANSWERS).labelled] == [4]


def test_what_proves_nothing_is_left_out_and_counted(relevance):
    labels = [
        Label("r1", "relevance", 2, answer_digest("the old one"), tuning=True),
        Label("r1", "relevance", 2, answer_digest("one that is gone")),
        Label("r9", "relevance", 2),
    ]
    found = find_labelled(relevance, labels, ANSWERS)
    assert found.labelled == ()
    assert found.left_out == {"used to tune the prompt": 1, "of answers that are not stored": 2}
    assert str(found).startswith("0 labels of stored answers (left out: 1 used to tune the prompt")


def test_a_label_off_the_scale_is_refused_with_its_place(relevance):
    labels = [Label("r1", "relevance", 6, where="labels.csv line 7")]
    with pytest.raises(DataError, match=r"labels\.csv line 7: label 6 of relevance is outside its scale, 1 to 5"):
        find_labelled(relevance, labels, ANSWERS)


def test_the_order_is_random_and_always_the_same(relevance):
    answers = [
        Answered(replace(NEW.row, id=f"r{number}"), replace(NEW.answer, row_id=f"r{number}")) for number in range(50)
    ]
    labels = [Label(f"r{number}", "relevance", 3) for number in range(50)]
    ids = [each.row_id for each in find_labelled(relevance, labels, answers).labelled]
    assert ids == [each.row_id for each in find_labelled(relevance, labels[::-1], answers[::-1]).labelled]
    assert ids != sorted(ids)
