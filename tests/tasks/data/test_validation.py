import json

import pytest

from configs.errors import DataError
from tasks.data.reading import read_dataset
from tasks.data.row import Dataset, Message, Row
from tasks.data.validation import validate, validated

IDS = frozenset({"P1", "P2"})


def report(loaded, *splits, ids=IDS):
    return validate(loaded, [read_dataset(loaded, split) for split in splits], ids)


def unmet(report):
    return {(check.expectation, check.severity): check for check in report.checks if not check.passed}


def test_sound_data_passes_every_check(make_app, rows):
    found = report(make_app(sample=rows), "sample")
    assert found.passed
    assert not unmet(found)
    assert len(found.checks) >= 12
    assert set(found.datasets) == {"tiny/sample"}


def test_a_document_that_does_not_exist_is_named_with_its_row(make_app, rows):
    rows[1]["documents"] = ["P2", "P9"]
    found = report(make_app(sample=rows), "sample")
    check = unmet(found)["expect_column_values_to_be_in_set(row.unknown_documents)", "critical"]
    assert not found.passed
    assert check.rows == ("r2",)
    assert "1 of 3 rows: r2" in check.message
    assert "P9" in check.message


def test_without_documents_references_to_them_are_not_checked(make_app, rows):
    assert report(make_app(sample=rows), "sample", ids=None).passed


@pytest.mark.parametrize(
    "copied", [{"question": "Something else?"}, {"id": "f1", "question": "  how HEAVY is\nthe ridgeline? "}]
)
@pytest.mark.parametrize(("one", "other"), [("sample", "full"), ("full", "examples"), ("sample", "examples")])
def test_a_row_shared_by_id_or_by_question_fails_both_datasets(make_app, rows, copied, one, other):
    splits = {"sample": rows[1:2], "full": rows[2:3], "examples": [rows[0] | {"id": "e", "question": "Anything?"}]}
    splits |= {one: [rows[0]], other: [rows[0] | copied]}
    found = report(make_app(**splits), "sample", "full", "examples")
    shared = [check for check in found.failures if "row.shared" in check.expectation]
    assert {check.dataset for check in shared} == {f"tiny/{one}", f"tiny/{other}"}
    assert f"tiny/{other} row" in next(check.message for check in shared if check.dataset == f"tiny/{one}")


@pytest.mark.parametrize("other", ["sample", "full", "examples"])
def test_training_rows_are_kept_apart_like_the_others(make_app, rows, other):
    splits = {"sample": [rows[1]], "full": [rows[2]], "examples": [rows[2] | {"id": "e", "question": "Anything?"}]}
    splits |= {other: [rows[0]], "train": [rows[0] | {"id": "t1"}]}
    found = report(make_app(**splits), "sample", "full", "examples", "train")
    shared = [check for check in found.failures if "row.shared" in check.expectation]
    assert {check.dataset for check in shared} == {f"tiny/{other}", "tiny/train"}


def test_training_rows_may_be_about_documents_of_their_own(make_app, rows):
    loaded = make_app(sample=rows[:1], train=[rows[1] | {"documents": ["OLD1"]}])
    datasets = [read_dataset(loaded, split) for split in ("sample", "train")]
    assert "row.unknown_documents" in validate(loaded, datasets, IDS).failures[0].expectation
    assert validate(loaded, datasets, IDS, frozenset({"OLD1"})).passed


def test_production_may_repeat_what_the_sample_asks(make_app, rows):
    assert report(make_app(sample=rows, production=rows), "sample", "production").passed


def test_a_mark_that_contradicts_the_documents_is_a_warning(make_app, rows):
    rows[0]["documents"] = []
    rows[2]["documents"] = ["P1"]
    found = report(make_app(sample=rows), "sample")
    check = unmet(found)["expect_column_values_to_be_in_set(row.contradiction)", "warning"]
    assert found.passed
    assert check.rows == ("r1", "r3")


def test_outlying_length_a_repeated_question_and_a_missing_mark_are_warnings(make_app, rows):
    long = {"id": "r4", "question": "길다 " * 1000, "documents": ["P1"], "answerable": True}
    again = rows[0] | {"id": "r5", "question": "how heavy is the RIDGELINE?", "answerable": None}
    found = report(make_app(sample=[*rows, long, again]), "sample")
    assert found.passed
    assert {key[0]: check.rows for key, check in unmet(found).items()} == {
        "expect_column_values_to_be_between(row.length)": ("r4",),
        "expect_column_values_to_be_in_set(row.repeated)": ("r1", "r5"),
        "expect_column_values_to_not_be_null(row.answerable)": ("r5",),
    }


def test_rows_that_were_not_read_from_a_file_meet_the_same_contract(make_app, rows):
    loaded = make_app(sample=rows)
    made = (
        Row("a", (Message("assistant", "hi"),)),
        Row("a", (Message("user", " "),)),
        Row(" ", (Message("user", "q"),)),
    )
    found = validate(loaded, [Dataset("tiny", "sample", "", made, "0"), Dataset("tiny", "full", "", (), "1")], IDS)
    failed = {(check.dataset, check.expectation): check for check in found.failures}
    assert failed["tiny/sample", "expect_column_values_to_be_unique(row.id)"].rows == ("a",)
    assert failed["tiny/sample", "expect_column_values_to_match_regex(row.id)"].rows == (" ",)
    assert failed["tiny/sample", "expect_column_values_to_match_regex(row.roles)"].rows == ("a",)
    assert failed["tiny/sample", "expect_column_values_to_match_regex(row.conversation)"].rows == ("a",)
    assert "missing: " in failed["tiny/sample", "expect_table_columns_to_match_set"].message
    assert "found 0" in failed["tiny/full", "expect_table_row_count_to_be_between"].message


def test_at_most_twenty_rows_are_named(make_app):
    rows = [{"id": f"r{n}", "question": f"q{n}", "documents": "P9"} for n in range(50)]
    check = report(make_app(sample=rows, columns={"documents": "documents"}), "sample").failures[0]
    assert check.rows == tuple(f"r{n}" for n in range(20))
    assert "50 of 50 rows" in check.message


def test_a_report_is_kept_until_what_it_depends_on_changes(make_app, rows, tmp_path):
    loaded = make_app(sample=rows)
    datasets = [read_dataset(loaded, "sample")]
    folder = tmp_path / "reports"
    first = validated(loaded, datasets, IDS, folder)
    (kept,) = folder.iterdir()
    kept.write_text(json.dumps(json.loads(kept.read_text()) | {"datasets": {"kept": "indeed"}}))
    assert validated(loaded, datasets, IDS, folder).datasets == {"kept": "indeed"}, "found again, not made again"
    assert not validated(loaded, datasets, frozenset({"P1"}), folder).passed
    assert first.passed


def test_a_folder_that_cannot_be_written_is_one_line(make_app, rows, tmp_path):
    loaded = make_app(sample=rows)
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be written"):
        validated(loaded, [read_dataset(loaded, "sample")], IDS, tmp_path / "file" / "reports")


def test_a_large_dataset_is_checked_in_parts_and_reported_whole(make_app):
    rows = [{"id": f"r{n}", "question": f"question {n}", "documents": ["P1"]} for n in range(12_000)]
    rows[3] |= {"question": "Asked twice?"}
    rows[11_000] |= {"question": "asked  twice?", "documents": ["P9"]}
    rows[6_000] |= {"documents": ["P8"]}
    shared = [{"id": "f1", "question": "question 9000", "documents": ["P1"]}]
    loaded = make_app(sample=rows, full=shared, columns={"documents": "documents"})
    found = unmet(report(loaded, "sample", "full"))
    unknown = found["expect_column_values_to_be_in_set(row.unknown_documents)", "critical"]
    assert unknown.rows == ("r6000", "r11000")
    assert "not so in 2 of 12000 rows" in unknown.message
    assert found["expect_column_values_to_be_in_set(row.repeated)", "warning"].rows == ("r3", "r11000")
    assert "tiny/sample row r9000" in found["expect_column_values_to_be_in_set(row.shared)", "critical"].message
