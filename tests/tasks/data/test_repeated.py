"""A row that is asked several times is several rows about one thing; what was asked once keeps its name."""

import pytest

from configs.errors import DataError
from tasks.data.repeated import first_id, repeated
from tasks.data.row import Dataset, Message, Row


def dataset(*rows):
    return Dataset("shop", "sample", "rows.jsonl", rows, "data")


def row(row_id, cluster=""):
    return Row(row_id, (Message("user", "q"),), cluster=cluster, columns={"id": row_id})


def test_once_is_the_dataset_itself():
    data = dataset(row("q1"))
    assert repeated(data, 1) is data


def test_all_rows_come_once_and_then_again_each_answer_in_its_rows_cluster():
    data = repeated(dataset(row("q1"), row("q2", "tents")), 3)
    found = [(each.id, each.repeat, each.cluster or each.id) for each in data.rows]
    assert found == [
        ("q1", 0, "q1"), ("q2", 0, "tents"),
        ("q1#2", 1, "q1"), ("q2#2", 1, "tents"),
        ("q1#3", 2, "q1"), ("q2#3", 2, "tents"),
    ]  # fmt: skip
    assert len(data.rows) == len(list(data.rows)) == 6, "as often as one likes"
    assert [first_id(row_id, repeat) for row_id, repeat, _ in found] == ["q1", "q2"] * 3


def test_what_is_asked_another_number_of_times_is_another_dataset():
    data = dataset(row("q1"))
    assert len({repeated(data, times).digest for times in (1, 2, 3)}) == 3
    assert repeated(data, 3).digest == repeated(dataset(row("q1")), 3).digest


def test_an_id_that_a_further_answer_would_get_is_refused():
    data = dataset(row("q1"), row("q1#3"), row("chapter #2"))
    assert len(repeated(data, 2).rows) == 6, "no third answer, no such id"
    with pytest.raises(DataError, match=r"rows.jsonl: with `repeats: 3` answer 3 to row 'q1' would get the id 'q1#3'"):
        repeated(data, 3)
