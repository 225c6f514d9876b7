"""`lifecycle init` writes an app that holds at once, and never over anything."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from configs.errors import ConfigurationError
from configs.loading import load_app
from infra.cli.init import TEMPLATE, write_app
from infra.cli.main import app
from tasks.data.reading import read_dataset
from tasks.gating.check import check_gates
from tasks.prompting.prompty import read_prompty
from tasks.prompting.render import check_variables
from tasks.scoring.catalogue import metrics_of, scorers_of


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_writes_an_app_of_that_name_into_this_folder_and_says_what_to_do_next(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["init", "library"])

    assert result.exit_code == 0
    assert "lifecycle run loop --app ./library" in result.output
    assert load_app("./library").app.name == "library"
    assert [entry.name for entry in tmp_path.iterdir()] == ["library"]


def test_writes_where_it_is_told_to(tmp_path: Path) -> None:
    CliRunner().invoke(app, ["init", "library", "--path", "apps/of/mine"], catch_exceptions=False)

    assert load_app("apps/of/mine").app.name == "library"


def test_what_it_writes_is_whole() -> None:
    loaded = load_app(str(write_app("library", Path("library"))))
    rows = {split: read_dataset(loaded, split).rows for split in loaded.app.datasets.paths()}

    assert len(rows["sample"]) == len(rows["full"]) == 6
    assert len({row.question for split in rows.values() for row in split}) == 18
    check_gates(loaded.app, metrics_of(scorers_of(loaded)))
    for file in loaded.app.prompts:
        check_variables(read_prompty(loaded.path(file)).prompt, set(rows["sample"][0].columns), file)
    documents = loaded.path(loaded.app.retrieval.documents).read_text(encoding="utf-8")
    for row in (*rows["sample"], *rows["full"]):
        assert row.columns["fact"] in documents
        assert all(f'"id": "{document}"' in documents for document in row.documents)


def test_the_hosted_model_in_its_comments_is_one_that_loads() -> None:
    folder = write_app("library", Path("library"))
    models = folder / "models.yaml"
    commented = models.read_text(encoding="utf-8")
    models.write_text(re.sub(r"(?m)^# (hosted:|  )", r"\1", commented), encoding="utf-8")

    assert load_app("library", ("models=[hosted]",)).models["hosted"].kind == "openai"


@pytest.mark.parametrize("name", ["Shop", "my shop", "../shop", "1shop", "", "a" * 42, "가게"])
def test_refuses_a_name_that_no_app_may_have(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="allowed are up to 41 small letters"):
        write_app(name, Path("new"))
    assert list(tmp_path.iterdir()) == []


def test_leaves_what_exists_as_it_is(tmp_path: Path) -> None:
    kept = tmp_path / "library" / "app.yaml"
    kept.parent.mkdir()
    kept.write_text("mine", encoding="utf-8")

    with pytest.raises(ConfigurationError, match="library exists and is left as it is"):
        write_app("library", Path("library"))
    assert kept.read_text(encoding="utf-8") == "mine"


def test_leaves_nothing_behind_where_it_cannot_write(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")

    with pytest.raises(ConfigurationError, match="cannot be written"):
        write_app("library", Path("file/library"))
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_template_names_no_app_but_its_placeholder() -> None:
    assert load_app(str(TEMPLATE)).app.name == "your-app"
