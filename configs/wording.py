"""Says in words what a JSON schema allows: the same words in errors and in the documentation of the keys."""

from typing import Any

Node = dict[str, Any]
"""A JSON schema or a part of one, as pydantic writes it."""


def resolve(node: Node, schema: Node) -> Node:
    """Returns the definition that a node refers to, or the node itself."""
    reference = node.get("$ref")
    return schema["$defs"][reference.rpartition("/")[2]] if reference else node


def alternatives(node: Node) -> list[Node]:
    """Returns the nodes of which one must hold, `null` left out; the node itself where there is no choice."""
    return [each for each in node.get("anyOf", [node]) if each.get("type") != "null"]


def kinds(node: Node) -> dict[str, Node]:
    """Returns the node of each `kind` of a discriminated union in its order, {} for any other node."""
    mapping = node.get("discriminator", {}).get("mapping", {})
    return {kind: each for each in node.get("oneOf", ()) for kind, target in mapping.items() if each["$ref"] == target}


def allowed(node: Node, schema: Node) -> str:
    """Says what a node allows, such as `a whole number from 1 to 20`."""
    choices = alternatives(node)
    if len(choices) > 1:
        return " or ".join(allowed(choice, schema) for choice in choices)
    node = resolve(choices[0], schema)
    if names := kinds(node):
        return f"a mapping whose `kind` is {one_of(names)}"
    if "const" in node:
        return f"`{node['const']}`"
    if "enum" in node:
        return one_of(node["enum"])
    return _of_type(node, schema)


def one_of(names: Any) -> str:
    """Says `a`, `b` or `c`."""
    *first, last = [f"`{name}`" for name in names]
    return f"{', '.join(first)} or {last}" if first else last


def _of_type(node: Node, schema: Node) -> str:
    match node.get("type"):
        case "integer" | "number" as kind:
            return f"a {'whole ' if kind == 'integer' else ''}number{_range(node)}"
        case "boolean":
            return "true or false"
        case "string":
            return _text(node)
        case "array":
            some = " that is not empty" if node.get("minItems") else ""
            return f"a list{some}, each item {allowed(node['items'], schema)}"
        case _ if isinstance(node.get("additionalProperties"), dict):
            return f"a mapping of names, each to {allowed(node['additionalProperties'], schema)}"
        case _:
            return "a mapping"


def _text(node: Node) -> str:
    if node.get("format") == "password":
        return "a secret text"
    if node.get("format") == "path":
        return "a path"
    if pattern := node.get("pattern"):
        return f"text that matches `{pattern}`"
    least = node.get("minLength", 0)
    return "text" if not least else "text that is not empty" if least == 1 else f"text of at least {least} characters"


def _range(node: Node) -> str:
    low = f"at least {node['minimum']:g}" if "minimum" in node else ""
    low = f"above {node['exclusiveMinimum']:g}" if "exclusiveMinimum" in node else low
    high = f"at most {node['maximum']:g}" if "maximum" in node else ""
    high = f"below {node['exclusiveMaximum']:g}" if "exclusiveMaximum" in node else high
    if "minimum" in node and "maximum" in node:
        return f" from {node['minimum']:g} to {node['maximum']:g}"
    bounds = " and ".join(bound for bound in (low, high) if bound)
    return f" {bounds}" if bounds else ""
