"""Tools and answer forms of a client's request, as the OpenAI protocol has them: checked, and passed on as they are."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from tasks.calling.answer import ToolCall

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")


def checked_tools(tools: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns tools that are functions with a name.

    Raises:
        ValueError: says which is not, and what is allowed.
    """
    if not tools:
        raise ValueError("a list of at least one tool; leave it out for none")
    for position, tool in enumerate(tools):
        if tool.get("type") != "function":
            raise ValueError(f"tool {position}: only tools of type `function` are passed on")
        _check_named(tool.get("function"), f"tool {position}: `function`")
    return tools


def checked_choice(choice: Any) -> Any:
    """Returns a `tool_choice`.

    Raises:
        ValueError: it is none.
    """
    if isinstance(choice, Mapping):
        _check_named(choice.get("function"), "`function`")
    elif choice not in (None, "none", "auto", "required"):
        raise ValueError("`none`, `auto`, `required`, or a function by its name")
    return choice


def checked_form(form: dict[str, Any]) -> dict[str, Any]:
    """Returns a `response_format` of a known type.

    Raises:
        ValueError: says what is wrong with it.
    """
    if form.get("type") not in ("text", "json_object", "json_schema"):
        raise ValueError("`type` is `text`, `json_object` or `json_schema`")
    if form["type"] == "json_schema":
        _check_named(form.get("json_schema"), "`json_schema`")
        if not isinstance(form["json_schema"].get("schema"), dict):
            raise ValueError("`json_schema.schema` must be a JSON schema")
    return form


def checked_calls(calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns tool calls of an assistant's message, each with its id.

    Raises:
        ValueError: one is not.
    """
    for position, call in enumerate(calls):
        if not isinstance(call.get("id"), str):
            raise ValueError(f"call {position}: `id` must be a text")
        _check_named(call.get("function"), f"call {position}: `function`")
    return calls


def told_calls(calls: Sequence[ToolCall]) -> list[dict[str, Any]]:
    """Returns the calls of an answer as the protocol tells them."""
    return [
        {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
        for call in calls
    ]


def _check_named(content: Any, where: str) -> None:
    name = content.get("name") if isinstance(content, Mapping) else None
    if not (isinstance(name, str) and _NAME.fullmatch(name)):
        raise ValueError(f"{where} needs a `name` of up to 64 letters, digits, _ and -")
