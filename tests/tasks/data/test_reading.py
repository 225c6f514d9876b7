import csv
import io
import json
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs.errors import ConfigurationError, DataError
from configs.schema.dataset import Columns
from tasks.data.file_rows import FileRows
from tasks.data.reading import digest_of, read_dataset, read_records
from tasks.data.row import Message
from tasks.identity import ListDigest, digest

REAL_DATA = Path(__file__).parents[4] / "shared" / "data"


def as_csv(rows):
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, list(rows[0]), lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(row | {"documents": ",".join(row["documents"])} for row in rows)
    return file.getvalue().encode()


def jsonl(*values):
    return "\n".join(json.dumps(value) for value in values).encode()


def one_line_error(loaded, split="sample"):
    with pytest.raises(DataError) as error:
        read_dataset(loaded, split)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_columns_are_read_by_their_roles(make_app, rows):
    dataset = read_dataset(make_app(sample=rows), "sample")
    korean, unanswerable = dataset.rows[1:]
    assert dataset.name == "tiny/sample"
    assert korean.question == "방수가 되나요?"
    assert korean.documents == ("P2",)
    assert (korean.answerable, unanswerable.answerable) == (True, False)
    assert korean.slices == {"kind": "fact"}
    assert korean.cluster == "r2", "a row is its own cluster where the dataset has none"
    assert unanswerable.documents == ()


def test_the_same_rows_have_the_same_digest_in_every_format(make_app, rows, tmp_path):
    from_jsonl = read_dataset(make_app(sample=rows), "sample")
    from_csv = read_dataset(make_app(files={"sample.csv": as_csv(rows)}), "sample")
    pd.DataFrame(rows).to_parquet(tmp_path / "sample.parquet")
    from_parquet = read_dataset(
        make_app(files={"sample.parquet": (tmp_path / "sample.parquet").read_bytes()}), "sample"
    )
    assert from_jsonl.digest == from_csv.digest == from_parquet.digest


@pytest.mark.parametrize("change", [{"question": "?"}, {"fact": "2.1"}, {"answerable": False}, {"id": "other"}])
def test_any_change_of_content_changes_the_digest(make_app, rows, change):
    before = read_dataset(make_app(sample=rows), "sample").digest
    rows[0] |= change
    assert read_dataset(make_app(sample=rows), "sample").digest != before


def test_byte_order_mark_windows_line_ends_and_empty_lines_are_accepted(make_app, rows):
    plain = read_dataset(make_app(sample=rows), "sample").digest
    windows = b"\xef\xbb\xbf" + b"\r\n\r\n".join(json.dumps(row).encode() for row in rows) + b"\r\n"
    assert read_dataset(make_app(files={"sample.jsonl": windows}), "sample").digest == plain
    assert read_dataset(make_app(files={"sample.csv": b"\xef\xbb\xbf" + as_csv(rows)}), "sample").digest == plain


def test_a_line_separator_inside_json_text_ends_no_line(tmp_path):
    (tmp_path / "rows.jsonl").write_text('{"id": "a", "text": "one\u2028two"}\n', encoding="utf-8")
    assert read_records(tmp_path / "rows.jsonl") == [{"id": "a", "text": "one\u2028two"}]


def test_a_bare_nan_reads_as_nothing(tmp_path):
    (tmp_path / "rows.jsonl").write_text('{"id": "a", "score": NaN}')
    assert read_records(tmp_path / "rows.jsonl") == [{"id": "a", "score": None}]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("sample.jsonl", b'{"id": "a", "question": "q"}\n{"id": "b"', ["line 2", "not valid JSON", "column"]),
        ("sample.jsonl", b'{"id": "a", "question": "q"}\n[1]', ["line 2", "found list", "one object a line"]),
        ("sample.jsonl", b'{"id": "a"}\n{"id": "\xff"}', ["line 2", "not UTF-8 at byte 20"]),
        ("sample.jsonl", b'{"id": "a", "question": "\\ud800"}', ["line 1", "half a character"]),
        ("sample.jsonl", b"", ["holds no rows"]),
        ("sample.csv", b"id,question\n", ["holds no rows"]),
        ("sample.csv", b"id,question\r\na,b,c\r\n", ["line 2", "3 fields", "the header 2"]),
        ("sample.csv", b'id,question\na,"b\n', ["line 2", "not valid CSV"]),
        ("sample.csv", b"id,id\na,b\n", ["'id' twice"]),
        ("sample.parquet", b"PAR1 no", ["not a Parquet file"]),
        ("sample.xlsx", b"", ["unknown kind of file '.xlsx'", ".jsonl, .ndjson, .csv, .parquet"]),
    ],
)
def test_a_broken_file_is_named_with_its_line(make_app, name, content, said):
    message = one_line_error(make_app(files={name: content}, columns={"question": "question"}))
    assert name in message
    for part in said:
        assert part in message


def test_a_multi_line_csv_field_keeps_line_numbers_true(make_app):
    content = b'id,question\na,"two\nlines"\nb,fine\na,again\n'
    message = one_line_error(make_app(files={"sample.csv": content}, columns={"question": "question"}))
    assert "id 'a' on line 2 and again on line 5" in message


def test_a_missing_column_is_named_with_its_role_and_those_present(make_app, rows):
    for row in rows:
        del row["documents"]
    message = one_line_error(make_app(sample=rows))
    assert "no column 'documents' (role documents)" in message
    assert "columns present are id, question, reference, answerable, kind" in message


def test_attacks_and_traffic_need_no_labels(make_app, rows):
    bare = [{"id": "t1", "question": "hello"}]
    loaded = make_app(sample=rows, redteam=bare, production=bare)
    assert read_dataset(loaded, "redteam").rows[0].reference == ""
    assert read_dataset(loaded, "production").rows[0].answerable is None


def test_duplicate_ids_are_named_with_both_lines(make_app, rows):
    assert "id 'r1' on line 1 and again on line 4" in one_line_error(make_app(sample=[*rows, rows[0]]))


@pytest.mark.parametrize("value", ["", "  ", None, 3.5, True, ["a"]])
def test_an_id_must_be_text(make_app, value):
    message = one_line_error(
        make_app(files={"sample.jsonl": jsonl({"id": value, "question": "q"})}, columns={"id": "id"})
    )
    assert "line 1" in message
    assert "role id" in message


@pytest.mark.parametrize("value", ["", " \n", None, 5, {"text": "q"}])
def test_a_question_must_be_text(make_app, value):
    message = one_line_error(
        make_app(files={"sample.jsonl": jsonl({"id": 7, "question": value})}, columns={"id": "id"})
    )
    assert "line 1 (row 7)" in message
    assert "role question" in message


def test_a_conversation_is_read_from_a_list_or_from_json_text(make_app):
    turns = [
        {"role": "user", "content": "텐트 있나요?"},
        {"role": "assistant", "content": "Yes."},
        {"role": "user", "content": "How heavy?", "name": "mia"},
    ]
    content = jsonl(
        {"id": "a", "messages": turns}, {"id": "b", "messages": json.dumps(turns)}, {"id": "c", "question": "q"}
    )
    first, second, third = read_dataset(
        make_app(files={"sample.jsonl": content}, columns={"messages": "messages"}), "sample"
    ).rows
    assert first.messages == second.messages
    assert first.messages[0] == Message("user", "텐트 있나요?")
    assert first.question == "How heavy?"
    assert third.messages == (Message("user", "q"),)


@pytest.mark.parametrize(
    ("messages", "said"),
    [
        ("[{]", "text that is not JSON"),
        ({"role": "user"}, "allowed is a list"),
        ([], "allowed is a list"),
        (["hi"], "message 1"),
        ([{"role": "robot", "content": "x"}], "role 'robot'"),
        ([{"role": "user", "content": None}], "content nothing"),
        ([{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}], "the last must be the user's"),
        ([{"role": "user", "content": " "}], "the last must be the user's"),
    ],
)
def test_a_malformed_conversation_names_the_row(make_app, messages, said):
    content = jsonl({"id": "conv-1", "messages": messages})
    message = one_line_error(
        make_app(files={"sample.jsonl": content}, columns={"messages": "messages", "question": None})
    )
    assert "row conv-1" in message
    assert said in message


@pytest.mark.parametrize(
    ("value", "ids"),
    [(["P1", 2], ("P1", "2")), ("P1, P2 ,", ("P1", "P2")), ('["P1"]', ("P1",)), ("", ()), (None, ()), (4, ("4",))],
)
def test_documents_are_a_list_or_parted_by_commas(make_app, value, ids):
    loaded = make_app(sample=[{"id": "a", "question": "q", "docs": value}], columns={"documents": "docs"})
    assert read_dataset(loaded, "sample").rows[0].documents == ids


@pytest.mark.parametrize(
    ("value", "read"),
    [(True, True), (0, False), ("TRUE", True), ("false", False), ("1", True), ("", None), (None, None)],
)
def test_answerable_takes_booleans_as_files_write_them(make_app, value, read):
    loaded = make_app(sample=[{"id": "a", "question": "q", "ok": value}], columns={"answerable": "ok"})
    assert read_dataset(loaded, "sample").rows[0].answerable is read


def test_answerable_refuses_anything_else(make_app):
    loaded = make_app(sample=[{"id": "a", "question": "q", "ok": "maybe"}], columns={"answerable": "ok"})
    assert "holds 'maybe'; allowed are true, false, 1, 0 or nothing" in one_line_error(loaded)


def test_a_directory_a_missing_file_and_a_missing_split_are_said(make_app, rows, tmp_path):
    loaded = make_app(sample=rows)
    with pytest.raises(DataError, match="is a directory"):
        read_records(tmp_path)
    with pytest.raises(DataError, match="does not exist"):
        read_records(tmp_path / "none.jsonl")
    with pytest.raises(ConfigurationError, match=r"names no redteam dataset; set `datasets\.redteam`"):
        read_dataset(loaded, "redteam")
    (tmp_path / "sample.jsonl").unlink()
    with pytest.raises(ConfigurationError, match=r"names 'sample\.jsonl'"):
        read_dataset(loaded, "sample")


@given(
    st.lists(
        st.dictionaries(
            st.text(min_size=1),
            st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=4),
            max_size=4,
        ),
        max_size=5,
    )
)
def test_what_json_writes_is_read_back(tmp_path_factory, records):
    path = tmp_path_factory.mktemp("records") / "r.jsonl"
    path.write_text("".join(json.dumps(record) + "\r\n" for record in records), encoding="utf-8", newline="")
    assert read_records(path) == records


@given(st.lists(st.lists(st.text(st.characters(codec="utf-8")), min_size=2, max_size=2), max_size=5))
def test_what_csv_writes_is_read_back(tmp_path_factory, lines):
    path = tmp_path_factory.mktemp("records") / "r.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["a", "b"], *lines])
    assert read_records(path) == [{"a": a, "b": b} for a, b in lines]


@pytest.mark.skipif(not REAL_DATA.is_dir(), reason="the folder of real data is not there")
def test_every_real_file_is_read():
    files = [path for path in REAL_DATA.rglob("*") if path.suffix in (".jsonl", ".csv")]
    assert len(files) > 30
    for path in files:
        assert read_records(path), path


@pytest.mark.skipif(not REAL_DATA.is_dir(), reason="the folder of real data is not there")
def test_a_real_csv_becomes_a_dataset(make_app):
    content = (REAL_DATA / "xstest" / "xstest_prompts.csv").read_bytes()
    loaded = make_app(files={"sample.csv": content}, columns={"question": "prompt", "slices": ["type"]})
    dataset = read_dataset(loaded, "sample")
    assert len(dataset.rows) == 450
    assert dataset.digest == digest_of(dataset.rows, Columns(question="prompt", slices=("type",)))


@pytest.fixture
def large(make_app, tmp_path):
    """An app whose sample data is more than stays in memory, and the same as CSV."""
    rows = [{"id": f"r{n}", "question": f"질문 {n}?"} for n in range(2500)]
    loaded = make_app(sample=rows, columns={"id": "id"})
    return loaded, tmp_path / "sample.jsonl"


def test_a_large_dataset_stays_on_disk_and_is_gone_through_as_often_as_one_likes(large):
    loaded, _ = large
    dataset = read_dataset(loaded, "sample")
    assert isinstance(dataset.rows, FileRows)
    assert len(dataset.rows) == 2500
    assert [row.id for row in dataset.rows] == [row.id for row in dataset.rows] == [f"r{n}" for n in range(2500)]
    assert dataset.digest == digest_of(dataset.rows, Columns())


def test_a_large_dataset_that_changes_meanwhile_ends_the_run(large):
    loaded, path = large
    dataset = read_dataset(loaded, "sample")
    rows = iter(dataset.rows)
    next(rows)
    path.write_bytes(path.read_bytes() + b'{"id": "late", "question": "q"}\n')
    with pytest.raises(DataError, match="has changed since this run began; run it again"):
        list(rows)
    with pytest.raises(DataError, match="has changed"):
        next(iter(dataset.rows))


def test_an_id_that_comes_twice_in_a_large_dataset_is_named_with_both_lines(large):
    loaded, path = large
    path.write_bytes(path.read_bytes() + b'\n{"id": "r7", "question": "q"}\n')
    assert "id 'r7' on line 8 and again on line 2501" in one_line_error(loaded)


def test_who_asked_is_read_and_need_not_be_there(make_app):
    rows = {"id": "a", "question": "q", "person": "user-7"}, {"id": "b", "question": "q"}
    loaded = make_app(files={"sample.jsonl": jsonl(*rows)}, columns={"user": "person"})
    dataset = read_dataset(loaded, "sample")
    assert [row.user for row in dataset.rows] == ["user-7", ""]
    without = read_dataset(make_app(files={"sample.jsonl": jsonl(*rows)}, columns={"id": "id"}), "sample")
    assert dataset.digest != without.digest, "asked again, so that the journal hears whose the calls are"


def test_columns_are_told_apart_by_whether_every_row_has_them(make_app):
    content = jsonl({"id": "a", "question": "q", "extra": 1}, {"id": "b", "question": "q"})
    dataset = read_dataset(make_app(files={"sample.jsonl": content}, columns={"id": "id"}), "sample")
    assert dataset.columns == ("id", "question", "extra")
    assert dataset.shared_columns == {"id", "question"}


@given(st.lists(st.lists(st.integers() | st.text(), max_size=3), max_size=5))
def test_a_list_has_one_digest_however_it_is_given(items):
    whole = ListDigest()
    for item in items:
        whole.add(item)
    assert whole.value == digest(items)


def test_a_number_of_too_many_digits_names_its_line(tmp_path):
    (tmp_path / "rows.jsonl").write_text('{"id": "a"}\n{"id": ' + "1" * 5000 + "}\n")
    with pytest.raises(DataError, match="line 2: holds a number of too many digits"):
        read_records(tmp_path / "rows.jsonl")
