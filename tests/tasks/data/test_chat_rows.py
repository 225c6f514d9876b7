"""Chat fine-tuning JSONL as training rows: the last message is the reference, each error names its line."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from configs.errors import DataError
from tasks.data.file_rows import FileRows
from tasks.data.reading import read_dataset
from tasks.data.row import Message
from tasks.data.validation import validate
from tasks.tuning.exporting import Exported, export_rows

SYSTEM, USER = {"role": "system", "content": "Be brief."}, {"role": "user", "content": "Where is my card?"}
ANSWER, LATER = {"role": "assistant", "content": "card_arrival"}, {"role": "user", "content": "And my PIN?"}
PIN = {"role": "assistant", "content": "pin"}
CALL = {"id": "c1", "type": "function", "function": {"name": "find", "arguments": "{}"}}
COLUMNS = {
    "messages": "turns",
    "reference": "reference",
    "documents": "documents",
    "cluster": "about",
    "answerable": "answerable",
    "slices": ["kind"],
}


def lines(*messages):
    return "\n".join(json.dumps({"messages": each}, ensure_ascii=False) for each in messages).encode()


def test_a_training_file_may_be_chat_lines_which_need_no_other_columns(make_app):
    content = lines([USER, ANSWER], [SYSTEM, USER, {**ANSWER, "weight": 0}, LATER, PIN])
    loaded = make_app({"train.jsonl": content}, COLUMNS)
    dataset = read_dataset(loaded, "train")
    first, second = dataset.rows
    assert (first.id, first.question, first.reference, first.cluster) == (
        "line-1",
        USER["content"],
        "card_arrival",
        "line-1",
    )
    said = (Message("system", "Be brief."), Message("user", "Where is my card?"), Message("assistant", "card_arrival"))
    assert (second.messages, second.reference) == ((*said, Message("user", "And my PIN?")), "pin")
    assert (second.documents, second.answerable, second.slices) == ((), None, {"kind": ""})
    assert validate(loaded, (dataset,), frozenset({"P1"})).failures == ()


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ([USER, {"role": "human", "content": "x"}], 'message 2 has the role "human"; allowed are'),
        ([USER], "has no message of role assistant; add the answer that is to be learnt"),
        ([USER, ANSWER, LATER], "ends with nothing that is to be learnt; end it with the assistant's answer"),
        ([USER, ANSWER, {**ANSWER, "weight": 0}], "ends with nothing that is to be learnt"),
        ([SYSTEM, ANSWER], "ends with a message of role system; the last must be the user's"),
        (
            [USER, {"role": "assistant", "tool_calls": [CALL]}],
            "calls tools, which a row has no place for; leave it out",
        ),
    ],
)
def test_a_line_that_is_no_row_is_named(make_app, broken, said):
    loaded = make_app({"train.jsonl": lines([USER, ANSWER], broken)}, COLUMNS)
    with pytest.raises(DataError) as error:
        read_dataset(loaded, "train")
    assert "train.jsonl line 2" in str(error.value)
    assert said in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({}, "line 1: the app has no column for its answer; set `datasets.columns.reference`"),
        ({"reference": "reference"}, "no column for a conversation; set `datasets.columns.messages: messages`"),
    ],
)
def test_an_app_without_a_column_for_what_a_line_says_is_told_which(make_app, columns, said):
    loaded = make_app({"train.jsonl": lines([SYSTEM, USER, ANSWER])}, {"question": "question", **columns})
    with pytest.raises(DataError, match=said):
        read_dataset(loaded, "train")


def test_what_models_are_measured_by_has_its_own_columns(make_app):
    with pytest.raises(DataError, match="no column 'id'"):
        read_dataset(make_app({"sample.jsonl": lines([USER, ANSWER])}, COLUMNS), "sample")


def test_a_large_file_of_chat_lines_stays_on_disk(make_app):
    loaded = make_app({"train.jsonl": lines(*[[{**USER, "content": f"What of {at}?"}, ANSWER] for at in range(2001)])})
    rows = read_dataset(loaded, "train").rows
    assert isinstance(rows, FileRows)
    assert [row.id for row in rows][::1000] == ["line-1", "line-1001", "line-2001"]


_TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip)
_TALK = st.tuples(st.lists(st.tuples(_TEXT, _TEXT), max_size=2), st.booleans(), _TEXT, _TEXT)


@given(st.lists(_TALK, min_size=1, max_size=4))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_exported_is_read_again_as_it_was(make_app, tmp_path, talks):
    made = []
    for turns, system, question, answer in talks:
        said = [{"role": "user", "content": question}]
        for asked, told in turns:
            said = [{"role": "user", "content": asked}, {"role": "assistant", "content": told}, *said]
        made.append([*([SYSTEM] if system else []), *said, {"role": "assistant", "content": answer}])
    first = read_dataset(make_app({"train.jsonl": lines(*made)}, COLUMNS), "train")
    (tmp_path / "again.jsonl").unlink(missing_ok=True)
    assert export_rows(first, tmp_path / "again.jsonl") == Exported(len(talks), 0)
    again = read_dataset(make_app({"train.jsonl": (tmp_path / "again.jsonl").read_bytes()}, COLUMNS), "train")
    assert [(row.messages, row.reference) for row in again.rows] == [
        (row.messages, row.reference) for row in first.rows
    ]
    assert again.digest == first.digest


def test_rows_without_a_reference_are_left_out_and_no_file_is_written_over(make_app, rows, tmp_path):
    rows[1]["reference"] = ""
    dataset = read_dataset(make_app(sample=rows), "sample")
    path = tmp_path / "tune.jsonl"
    assert export_rows(dataset, path) == Exported(2, 1)
    assert json.loads(path.read_text(encoding="utf-8").splitlines()[0]) == {
        "messages": [
            {"role": "user", "content": "How heavy is the Ridgeline?"},
            {"role": "assistant", "content": "2.1 kg [P1]"},
        ]
    }
    with pytest.raises(DataError, match=r"tune.jsonl: is there already; name another file"):
        export_rows(dataset, path)
    nothing = read_dataset(make_app(sample=[row | {"reference": ""} for row in rows]), "sample")
    with pytest.raises(DataError, match="tiny/sample: no row has a reference"):
        export_rows(nothing, tmp_path / "other.jsonl")


def test_a_row_that_a_provider_would_not_take_is_named_and_nothing_is_written(make_app, tmp_path):
    turns = [{"role": "tool", "content": "found"}, USER]
    row = {"id": "r1", "turns": turns, "reference": "Yes."}
    dataset = read_dataset(make_app(columns={"messages": "turns", "reference": "reference"}, sample=[row]), "sample")
    with pytest.raises(DataError, match="tiny/sample row r1: message 1 has no `tool_call_id`"):
        export_rows(dataset, tmp_path / "tune.jsonl")
    assert not (tmp_path / "tune.jsonl").exists()
