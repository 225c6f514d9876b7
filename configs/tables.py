"""Rows of the documentation's tables, made of a JSON schema's nodes."""

import json
from typing import Any

from configs.wording import Node

HEADER = "| key | allowed | default | meaning |\n| --- | --- | --- | --- |\n"


def cells(*texts: str) -> str:
    """Returns a row of a table in Markdown."""
    return "| " + " | ".join(one_line(text).replace("|", "\\|") for text in texts) + " |\n"


def one_line(text: str) -> str:
    """Returns a text on one line."""
    return " ".join(text.split())


def default_of(node: Node, *, own_table: bool = False) -> str:
    """Says what holds where a key is not set.

    Args:
        node: the key's.
        own_table: whether its keys stand in a table of their own, which says what they default to.
    """
    if "default" not in node:
        return "depends on the machine"
    value = node["default"]
    if value is None:
        return "not set"
    if value in ([], {}):
        return "none"
    if isinstance(value, dict | list):
        return "its own defaults" if own_table else f"`{_inline(value)}`"
    return f"`{plain(value)}`"


def plain(value: Any) -> str:
    """Returns a plain value as YAML writes it, "" for none."""
    return "" if value is None else value if isinstance(value, str) else json.dumps(value)


def _inline(value: dict[str, Any] | list[Any]) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(plain, value))}]"
    return f"{{{', '.join(f'{key}: {plain(each)}' for key, each in value.items())}}}"
