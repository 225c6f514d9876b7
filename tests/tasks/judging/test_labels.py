"""Labels: of a file, of the terminal; what is wrong with them is said with its line."""

import json

import pytest

from configs.errors import DataError
from tasks.judging.labels import Label, answer_digest, keep_label, kept_labels, read_labels
from tasks.results.store import Store

LABEL = Label("r1", "relevance", 4, answer_digest("an answer"), "kim", "2026-11-23T10:00:00+00:00")


def test_a_table_of_labels_is_read(tmp_path):
    file = tmp_path / "labels.csv"
    file.write_text(
        "row_id,metric,label,who,when,answer,tuning\nr1,relevance,4,kim,today,an answer,\n7,fluency,-1.0,,,,yes\n",
        encoding="utf-8",
    )
    first, second = read_labels(file)
    assert first[:7] == ("r1", "relevance", 4, answer_digest("an answer"), "kim", "today", False)
    assert second[:7] == ("7", "fluency", -1, "", "", "", True)
    assert second.where == f"{file} line 3"


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ({"row_id": "r1", "metric": "relevance"}, "line 1: no column 'label'; needed are row_id, metric, label"),
        ({"row_id": "r1", "metric": "relevance", "label": "good"}, "line 1: label 'good' is no whole number"),
        ({"row_id": "r1", "metric": "relevance", "label": 3.5}, "label 3.5 is no whole number"),
        ({"row_id": "r1", "metric": "relevance", "label": None}, "label None is no whole number"),
        ({"row_id": "", "metric": "relevance", "label": 3}, "allowed is a text that is not empty"),
    ],
)
def test_what_is_no_label_is_refused_with_its_line(tmp_path, line, error):
    file = tmp_path / "labels.jsonl"
    file.write_text(json.dumps(line) + "\n", encoding="utf-8")
    with pytest.raises(DataError, match=error):
        read_labels(file)


def test_each_label_is_kept_at_once_and_a_kill_costs_no_other(tmp_path):
    store = Store(tmp_path / "shop")
    assert kept_labels(store) == ()
    keep_label(store, LABEL)
    file = tmp_path / "shop" / "labels.jsonl"
    with file.open("a", encoding="utf-8") as opened:
        opened.write('{"row_id": "r2", "met')
    assert [each._replace(where="") for each in kept_labels(store)] == [LABEL]
    keep_label(store, LABEL._replace(row_id="r3"))
    assert [each.row_id for each in kept_labels(store)] == ["r1", "r3"]


def test_a_damaged_line_is_named(tmp_path):
    store = Store(tmp_path)
    (tmp_path / "labels.jsonl").write_text('{"row": 1}\n', encoding="utf-8")
    with pytest.raises(DataError, match=r"labels\.jsonl line 1: is damaged"):
        kept_labels(store)
