"""Writes the tables of `configs/README.md` and `.env.example` from the models: `python -m configs.reference`."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from configs.schema.app import App
from configs.schema.model import ModelConfig, Prices
from configs.settings import Settings
from configs.tables import HEADER, cells, default_of, one_line, plain
from configs.wording import Node, allowed, alternatives, kinds, resolve

README = Path(__file__).parent / "README.md"
ENV_EXAMPLE = Path(__file__).parents[1] / ".env.example"

_MARK = "<!-- From here on written by `python -m configs.reference`. -->\n"
_FILES: dict[str, tuple[TypeAdapter[Any], str]] = {
    "app.yaml": (TypeAdapter(App), ""),
    "models.yaml": (TypeAdapter(dict[str, ModelConfig]), "Each key is a name that an app may use under `models`."),
    "prices.yaml": (TypeAdapter(Prices), ""),
}


def readme(current: str) -> str:
    """Returns the text of `configs/README.md`: its prose as it is, its tables as the models are now."""
    prose, _, _ = current.partition(_MARK)
    files = [_file(name, adapter.json_schema(), note) for name, (adapter, note) in _FILES.items()]
    return "\n".join([prose + _MARK, *files, _settings()])


def env_example() -> str:
    """Returns the text of `.env.example`: every setting as a comment, with its default where it has one."""
    lines = [
        "# Settings of this machine. Copy this file to `.env` and take the `#` from the lines you need;",
        "# a variable of the environment goes before a line of `.env`. configs/README.md explains each.",
        "",
    ]
    for name, node in Settings.model_json_schema()["properties"].items():
        lines += [f"# {node['description']}", f"# LIFECYCLE_{name.upper()}={plain(node.get('default'))}", ""]
    lines += [
        "# Keys of model providers, under the names that `api_key_env` gives in a models.yaml.",
        "# OPENAI_API_KEY=",
        "",
        "# Addresses that alerts go to, under the names that `url_env` gives in an app.yaml.",
        "# SHOP_SLACK_URL=",
    ]
    return "\n".join(lines) + "\n"


def sections(schema: Node) -> dict[str, list[str]]:
    """Returns, by the name of each definition of a schema, the paths of keys that lead to it, in reading order."""
    found: dict[str, list[str]] = {}
    for path, node in _walk("", schema, schema):
        paths = found.setdefault(node["title"], [])
        if path not in paths:
            paths.append(path)
    return found


def _walk(path: str, node: Node, schema: Node) -> Iterator[tuple[str, Node]]:
    """Yields every mapping with keys of its own at or under a node."""
    for choice in alternatives(node):
        plain = resolve(choice, schema)
        for kind, each in kinds(plain).items():
            yield from _walk(f"{path} of kind {kind}", each, schema)
        if "properties" in plain:
            yield path, plain
            for name, child in plain["properties"].items():
                yield from _walk(f"{path.partition(' of kind ')[0]}.{name}".lstrip("."), child, schema)
        if isinstance(items := plain.get("items"), dict):
            yield from _walk(f"{path}[]", items, schema)
        if isinstance(more := plain.get("additionalProperties"), dict):
            yield from _walk(f"{path}.NAME".lstrip("."), more, schema)


def _file(name: str, schema: Node, note: str) -> str:
    definitions = {node["title"]: node for _, node in _walk("", schema, schema)}
    headings = {title: _heading(paths, name) for title, paths in sections(schema).items()}
    parts = [f"## {name}\n"] + ([f"{note}\n"] if note else [])
    for title, node in definitions.items():
        if headings[title] != name:
            parts.append(f"### {headings[title]}\n")
        parts.append(f"{one_line(node['description'])}\n")
        rows = [_row(key, child, node, schema, headings) for key, child in node["properties"].items()]
        parts.append(HEADER + "".join(rows))
    return "\n".join(parts)


def _heading(paths: list[str], file: str) -> str:
    return ", ".join(f"`{path}`".replace(" of kind ", "` of kind `") if path else file for path in paths)


def _row(key: str, node: Node, holder: Node, schema: Node, headings: dict[str, str]) -> str:
    below = next((child["title"] for _, child in _walk("", node, schema)), None)
    name = f"[`{key}`](#{_anchor(headings[below])})" if below else f"`{key}`"
    meaning = node.get("description") or resolve(alternatives(node)[0], schema)["description"]
    default = "required" if key in holder.get("required", ()) else default_of(node, own_table=bool(below))
    return cells(name, allowed(node, schema), default, meaning)


def _settings() -> str:
    schema = Settings.model_json_schema()
    rows = [
        cells(f"`LIFECYCLE_{name.upper()}`", allowed(node, schema), default_of(node), node["description"])
        for name, node in schema["properties"].items()
    ]
    header = HEADER.replace("key", "variable", 1)
    note = "Of one machine; variables of the environment or lines of `.env`, for which `.env.example` is a start."
    return f"## Settings\n\n{note}\n\n{header}{''.join(rows)}"


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


if __name__ == "__main__":
    README.write_text(readme(README.read_text(encoding="utf-8")), encoding="utf-8")
    ENV_EXAMPLE.write_text(env_example(), encoding="utf-8")
