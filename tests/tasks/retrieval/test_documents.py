import json
from pathlib import Path

import pandas as pd
import pytest

from configs.errors import DataError
from tasks.retrieval.documents import Document, read_documents

RECORDS = [
    {"id": "P01", "title": "Larkspur", "text": "A tent of 1.9 kg."},
    {"id": "P02", "title": "", "text": "방수 배낭, 2.1kg."},
]
DOCUMENTS = (Document("P01", "Larkspur", "A tent of 1.9 kg."), Document("P02", "", "방수 배낭, 2.1kg."))


def jsonl(path, records, encoding="utf-8", end="\n"):
    path.write_bytes("".join(json.dumps(r, ensure_ascii=False) + end for r in records).encode(encoding))
    return path


def test_jsonl_with_and_without_bom_and_windows_line_ends(tmp_path):
    assert read_documents(jsonl(tmp_path / "plain.jsonl", RECORDS)) == DOCUMENTS
    assert read_documents(jsonl(tmp_path / "bom.jsonl", RECORDS, "utf-8-sig", "\r\n")) == DOCUMENTS


def test_csv_and_parquet(tmp_path):
    frame = pd.DataFrame(RECORDS)
    frame.to_csv(tmp_path / "d.csv", index=False, encoding="utf-8-sig")
    frame.to_parquet(tmp_path / "d.parquet")
    assert read_documents(tmp_path / "d.csv") == read_documents(tmp_path / "d.parquet") == DOCUMENTS


def test_a_folder_of_text_files_in_the_order_of_their_names(tmp_path):
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "반품.txt").write_text("서른 날 안에 반품할 수 있습니다.\n", "utf-8")
    (tmp_path / "about.md").write_bytes("\ufeff# About us\r\n\r\nWe sell tents.\r\n".encode())
    (tmp_path / "plan.docx").write_bytes(b"\0\1")
    (tmp_path / ".draft.md").write_text("not yet")
    assert read_documents(tmp_path) == (
        Document("about", "About us", "# About us\n\nWe sell tents."),
        Document("policies/반품", "", "서른 날 안에 반품할 수 있습니다."),
    )


@pytest.mark.parametrize(
    ("records", "says"),
    [
        ([], "holds no documents"),
        (
            [{"id": "a", "text": "x"}, {"id": "a", "text": "y"}],
            "document 'a' stands in .* line 1 and again in .* line 2",
        ),
        ([{"id": "a", "text": "x"}, {"id": "b", "text": " "}], "line 2: document 'b' has no text"),
        ([{"id": "a", "body": "x"}], "line 1: no column 'text'; columns present are id, body"),
        ([{"id": "", "text": "x"}], "line 1: column 'id'"),
        ([{"id": "a", "text": "x\0y"}], "line 1: document 'a' is binary"),
    ],
)
def test_records_that_are_no_documents_are_one_line_that_names_them(tmp_path, records, says):
    with pytest.raises(DataError, match=says) as error:
        read_documents(jsonl(tmp_path / "d.jsonl", records))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.txt", b"\x89PNG\0\0", r"a\.txt: is binary"),
        ("a.md", "caf\xe9".encode("latin-1"), r"a\.md: not UTF-8 at byte 3 \(0xe9\); save it as UTF-8 .*iconv -f"),
        ("a.txt", "방수 가방".encode("cp949"), r"a\.txt: not UTF-8 at byte 0 \(0xb9\)"),
        ("a.md", "tent".encode("utf-16"), r"a\.md: is UTF-16; save it .*iconv -f UTF-16 -t UTF-8"),
        ("a.md", b"", r"a\.md: document 'a' has no text"),
        ("a.md", b"  \n", r"a\.md: document 'a' has no text"),
        ("a.pdf", b"%PDF", "holds no .md or .txt files"),
    ],
)
def test_files_of_a_folder_that_are_no_documents(tmp_path, name, content, says):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=says):
        read_documents(tmp_path)


def test_two_files_of_one_id(tmp_path):
    (tmp_path / "a.md").write_text("x")
    (tmp_path / "a.txt").write_text("y")
    with pytest.raises(DataError, match=r"'a' stands in .*a\.md and again in .*a\.txt"):
        read_documents(tmp_path)


def test_a_missing_path(tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        read_documents(tmp_path / "none.jsonl")


def test_a_document_that_is_too_large_is_refused_before_it_is_read(tmp_path):
    with (tmp_path / "log.txt").open("wb") as file:
        file.truncate(65 * 2**20)
    with pytest.raises(DataError, match=r"log\.txt: has 65 MiB, a document may have 64; split it"):
        read_documents(tmp_path)


MANUALS = Path(__file__).parents[4] / "shared" / "data" / "contoso-chat" / "data"


@pytest.mark.skipif(not MANUALS.is_dir(), reason="the Contoso Chat data are not there")
def test_twenty_manuals_and_a_table_of_products():
    manuals = read_documents(MANUALS / "manual_info" / "manuals")
    assert len(manuals) == 20
    assert all(manual.title.startswith("Information about product") for manual in manuals)
    with pytest.raises(DataError, match=r"products\.csv line 2: no column 'text'; columns present are id, name, price"):
        read_documents(MANUALS / "product_info" / "products.csv")
