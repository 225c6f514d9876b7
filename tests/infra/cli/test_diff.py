"""`lifecycle diff`: files, an app's splits and curated versions, without a server."""

import json

import pytest

from configs.errors import ConfigurationError
from tasks.curating.named import named_dataset


def test_an_apps_split_and_a_curated_one_differ_by_rows_columns_and_classes(shop, version, lifecycle):
    ended = lifecycle("diff", f"{shop.path}/sample", f"{version.digest}/train", "--json")
    assert ended.exit_code == 0, ended.output
    found = json.loads(ended.stdout)
    assert (found["rows_before"], found["rows_after"], found["same"]) == (40, 3, 0)
    assert len(found["removed"]) == 37
    assert found["columns_added"] == ["curated_from"]
    assert {row["id"] for row in found["changed"]} == {"sample-0", "sample-1", "sample-2"}
    assert found["class_column"] == "kind"
    assert found["balance"] == {"fact": [20, 2], "policy": [20, 1]}


def test_it_reads_as_a_line_and_a_table(shop, version, lifecycle):
    shown = " ".join(lifecycle("diff", "latest", f"{shop.path}/sample", "--app", shop.path).output.split())
    assert "3 → 40 rows; 0 the same, 37 added, 0 removed, 3 changed, 0 under another id" in shown
    assert "columns removed: curated_from, split" in shown


def test_files_are_compared_by_the_column_that_is_named(tmp_path, lifecycle):
    for name, kinds in (("a", "xxy"), ("b", "xyy")):
        lines = [json.dumps({"id": str(at), "question": "?", "kind": kind}) for at, kind in enumerate(kinds)]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(lines), encoding="utf-8")
    ended = lifecycle("diff", str(tmp_path / "a.jsonl"), str(tmp_path / "b.jsonl"), "--by", "kind", "--json")
    found = json.loads(ended.stdout)
    assert found["balance"] == {"y": [1, 2], "x": [2, 1]}
    assert found["changed"] == [{"id": "1", "columns": {"kind": ["x", "y"]}}]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nothing", "'nothing' names no dataset"),
        ("shop/train", "names no dataset"),
        ("outfitter/train-data", "app outfitter has no split 'train-data'; known are sample, full"),
        ("0000", "'0000' names no dataset"),
        ("../*", "'../\\*' names no dataset"),
    ],
)
def test_an_unknown_name_is_one_line(name, said, tmp_path):
    with pytest.raises(ConfigurationError, match=said) as error:
        named_dataset(name, tmp_path)
    assert "\n" not in str(error.value)


def test_chat_lines_are_compared_as_the_rows_that_are_read_of_them(shop, tmp_path):
    app = tmp_path / "shop" / "app.yaml"
    app.write_text(
        app.read_text(encoding="utf-8").replace("datasets:\n", "datasets:\n  train: t.jsonl\n"), encoding="utf-8"
    )
    line = {"messages": [{"role": "user", "content": "Which?"}, {"role": "assistant", "content": "This."}]}
    (tmp_path / "shop" / "t.jsonl").write_text(json.dumps(line), encoding="utf-8")
    [record] = named_dataset(f"{shop.path}/train", tmp_path).records
    assert {name: value for name, value in record.items() if value} == {
        "id": "line-1",
        "question": "Which?",
        "reference": "This.",
    }
