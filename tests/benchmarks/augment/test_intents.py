"""The public task's draw, over a file like Banking77's."""

import csv
from collections import Counter

import pytest

from benchmarks.augment.intents import drawn, read_queries
from configs.errors import DataError
from tasks.scoring.words import tokens


@pytest.fixture
def folder(tmp_path):
    """Twelve intents of 60 messages, each of which is there a second time with other punctuation."""
    rows = [
        (f"Where is my {at}th thing of kind {kind}?", f"intent_{kind:02}") for kind in range(12) for at in range(60)
    ]
    with (tmp_path / "train.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(
            [("text", "category"), *rows, *((text.upper() + "!", label) for text, label in rows)]
        )
    return tmp_path


def test_as_many_messages_of_each_intent_are_drawn_and_no_text_is_on_both_sides(folder):
    intents = drawn(read_queries(folder))

    assert len(intents.labels) == 10
    for side, each in ((intents.train, 30), (intents.unseen, 20)):
        assert Counter(query.label for query in side) == dict.fromkeys(intents.labels, each)
    texts = [" ".join(tokens(query.text)) for query in (*intents.train, *intents.unseen)]
    assert len(set(texts)) == len(texts) == 500


def test_the_same_file_gives_the_same_draw(folder):
    assert drawn(read_queries(folder)) == drawn(read_queries(folder))


def test_a_folder_without_the_file_and_one_with_another_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"train\.csv: No such file or directory; name the folder"):
        read_queries(tmp_path)
    (tmp_path / "train.csv").write_text("question,answer\nWhy?,So.\n", encoding="utf-8")
    with pytest.raises(DataError, match="has no columns text and category"):
        read_queries(tmp_path)


def test_too_few_messages_of_an_intent_are_refused(folder):
    queries = read_queries(folder)
    label = drawn(queries).labels[0]
    few = [query for query in queries if query.label == label][:49]
    with pytest.raises(DataError, match=f"49 different messages of {label}; 50 are needed"):
        drawn([query for query in queries if query.label != label] + few)
