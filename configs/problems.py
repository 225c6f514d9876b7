"""Says in one line what is wrong with a configuration: the key, what was found, what is allowed."""

import re
from difflib import get_close_matches
from typing import Any, NamedTuple

from pydantic import ValidationError

from configs.wording import Node, allowed, alternatives, kinds, one_of, resolve

_SECRET_KEY = re.compile(r"key|token|secret|password|credential", re.IGNORECASE)
_SECRET_VALUE = re.compile(r"(?i)^(bearer |sk-|pk-|gh[a-z]_|xox|eyJ)|://[^/@\s]*@|[?&][\w-]*(key|token|secret)")


class Problem(NamedTuple):
    """A problem: the dotted key it is about ("" for the whole) and what is wrong, in words."""

    key: str
    text: str

    def __str__(self) -> str:
        return f"key `{self.key}`: {self.text}" if self.key else self.text


def problems(error: ValidationError, content: Any, schema: Node) -> tuple[Problem, ...]:
    """Returns the problems of `content`, one a key; unknown keys come first, as they explain missing ones.

    Neither mappings nor values that may be secrets are repeated in them.

    Args:
        error: what pydantic raised.
        content: what was validated.
        schema: JSON schema of the type it was validated as.
    """
    found: dict[str, Problem] = {}
    details = error.errors(include_url=False)
    for detail in sorted(details, key=lambda each: each["type"] != "extra_forbidden"):
        problem = _problem(detail, content, schema)
        found.setdefault(problem.key, problem)
    # A list whose only item is wrong is also called empty by pydantic: the item says it all.
    return tuple(each for each in found.values() if not any(other.startswith(f"{each.key}.") for other in found))


def shown(value: Any, key: str = "") -> str:
    """Shows a value that was found, on one line of bounded length; never a mapping's content, never a likely secret."""
    if isinstance(value, dict):
        return "a mapping" if value else "an empty mapping"
    if isinstance(value, list | tuple):
        return "a list" if value else "an empty list"
    if value is None:
        return "nothing"
    if _SECRET_KEY.search(key.rpartition(".")[2]) or _SECRET_VALUE.search(str(value)):
        return "a value that is not shown, as it may be a secret"
    text = repr(value) if isinstance(value, str) else str(value).lower()
    return text if len(text) <= 80 else f"{text[:77]}…"


class _Place(NamedTuple):
    """Where a problem is: its keys, what the schema says of the last of them and of the mapping that holds it."""

    keys: list[str]
    node: Node
    holder: Node


def _problem(detail: Any, content: Any, schema: Node) -> Problem:
    location = detail["loc"]
    place = _place(location, content, schema)
    key = ".".join(place.keys)
    match detail["type"]:
        case "extra_forbidden":
            return Problem(key, _unknown(place))
        case "missing":
            return Problem(key, f"missing; required is {allowed(place.node, schema)}")
        case "union_tag_invalid" | "union_tag_not_found":
            found = shown(_item(detail["input"], "kind"))
            return Problem(".".join([*place.keys, "kind"]), f"found {found}; allowed is {one_of(kinds(place.node))}")
        case "value_error":
            return Problem(key, detail["msg"].removeprefix("Value error, "))
        case _ if location[-1:] == ("[key]",) or detail["type"] == "invalid_key":
            return Problem(key, "a key must be text; put it between quotes")
    return Problem(key, f"found {shown(detail['input'], key)}; allowed is {allowed(place.node, schema)}")


def _unknown(place: _Place) -> str:
    names = list(place.holder.get("properties", {}))
    close = get_close_matches(place.keys[-1], names, n=1)
    meant = f" (did you mean `{close[0]}`?)" if close else ""
    return f"unknown key{meant}; allowed are {', '.join(names)}"


def _place(location: tuple[int | str, ...], content: Any, schema: Node) -> _Place:
    """Follows a location through content and schema, past what pydantic adds: kinds of unions and names of types."""
    keys: list[str] = []
    node = holder = _plain(schema, schema)
    value = content
    for part in location:
        if kind := kinds(node).get(str(part)):
            node = _plain(kind, schema)
        elif isinstance(value, dict | list) and "anyOf" not in node:
            keys.append(str(part))
            holder, node, value = node, _plain(_child(node, part), schema), _item(value, part)
    return _Place(keys, node, holder)


def _plain(node: Node, schema: Node) -> Node:
    choices = alternatives(node)
    return resolve(choices[0], schema) if len(choices) == 1 else node


def _child(node: Node, part: int | str) -> Node:
    more = node.get("items") or node.get("additionalProperties") or {}
    return node.get("properties", {}).get(part, more)  # type: ignore[no-any-return]


def _item(value: Any, part: int | str) -> Any:
    try:
        return value[part]
    except (KeyError, IndexError, TypeError):
        return None
