"""The documentation of the keys is what the models say, whole and once."""

import re
from pathlib import Path

import pytest
import yaml
from pydantic import TypeAdapter

from configs.loading import load_app
from configs.reference import ENV_EXAMPLE, README, env_example, readme, sections
from configs.schema.app import App
from configs.schema.model import ModelConfig, Prices
from configs.settings import Settings

SCHEMAS = {
    "app.yaml": TypeAdapter(App).json_schema(),
    "models.yaml": TypeAdapter(dict[str, ModelConfig]).json_schema(),
    "prices.yaml": TypeAdapter(Prices).json_schema(),
    "settings": Settings.model_json_schema(),
}
TEXT = README.read_text(encoding="utf-8")
FENCED = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)


def mappings(schema: dict) -> list[dict]:
    return [node for node in (schema, *schema.get("$defs", {}).values()) if "properties" in node]


def test_readme_is_up_to_date() -> None:
    assert readme(TEXT) == TEXT, "run `python -m configs.reference`"


def test_env_example_is_up_to_date() -> None:
    assert ENV_EXAMPLE.read_text(encoding="utf-8") == env_example(), "run `python -m configs.reference`"


@pytest.mark.parametrize("file", SCHEMAS)
def test_every_key_has_a_description(file: str) -> None:
    for node in mappings(SCHEMAS[file]):
        assert node["description"]
        for key, field in node["properties"].items():
            target = SCHEMAS[file].get("$defs", {}).get(field.get("$ref", "").rpartition("/")[2], {})
            assert field.get("description") or target.get("description"), f"{node['title']}.{key}"


@pytest.mark.parametrize("file", ["app.yaml", "models.yaml", "prices.yaml"])
def test_every_mapping_is_reached_and_shown_under_its_paths(file: str) -> None:
    found = sections(SCHEMAS[file])

    assert set(found) == {node["title"] for node in mappings(SCHEMAS[file])}
    for paths in found.values():
        heading = ", ".join(f"`{path}`".replace(" of kind ", "` of kind `") for path in paths)
        assert paths == [""] or TEXT.count(f"### {heading}\n") == 1


def test_every_setting_is_shown_once() -> None:
    for name in Settings.model_fields:
        assert TEXT.count(f"| `LIFECYCLE_{name.upper()}` |") == 1


def test_links_lead_to_headings() -> None:
    headings = {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.*)$", TEXT, re.MULTILINE)
    }

    assert set(re.findall(r"\]\(#([^)]*)\)", TEXT)) <= headings


def test_smallest_app_of_the_readme_loads(tmp_path: Path) -> None:
    (tmp_path / "app.yaml").write_text(FENCED[0], encoding="utf-8")

    assert load_app(str(tmp_path)).app.name == "shop"


def test_model_of_the_readme_loads() -> None:
    models = TypeAdapter(dict[str, ModelConfig]).validate_python(yaml.safe_load(FENCED[1]))

    assert models["house-model"].kind == "openai"


def test_env_example_sets_nothing_until_it_is_edited() -> None:
    assert all(line.startswith("#") or not line for line in env_example().splitlines())
