"""What may be wrong with one line of OpenAI's chat fine-tuning JSONL: each finding says what, and how to mend it.

The codes of the first seven are those of OpenAI's cookbook ("Data preparation and analysis for chat model
fine-tuning"): data_type, missing_messages_list, message_missing_key, message_unrecognized_key, unrecognized_role,
missing_content, example_missing_assistant_message. The others are unrecognized_key, weight, tools and tool_calls.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

ROLES = ("system", "user", "assistant", "tool", "function")
LINE_KEYS = ("messages", "tools", "parallel_tool_calls")
MESSAGE_KEYS = ("role", "content", "name", "weight", "function_call", "tool_calls", "tool_call_id")


class Finding(NamedTuple):
    """What is wrong: its code, and one line that says it and how to mend it."""

    code: str
    text: str


def findings_of(line: Any) -> Iterator[Finding]:
    """Yields what is wrong with a line, as JSON has read it; nothing where it may train a model."""
    if not isinstance(line, dict):
        yield Finding("data_type", f"holds {_kind(line)}; write one object a line, with a list `messages`")
        return
    if "preferred_output" in line:
        text = "is a line of preferences (DPO); supervised fine-tuning takes `messages` that end with the right answer"
        yield Finding("missing_messages_list", text)
        return
    for key in line:
        if key not in LINE_KEYS:
            yield Finding("unrecognized_key", f"has a key `{key}`; leave it out, allowed are {', '.join(LINE_KEYS)}")
    if not isinstance(line.get("parallel_tool_calls", False), bool):
        yield Finding("tools", "`parallel_tool_calls` is neither true nor false; write one of them")
    yield from _of_tools(line.get("tools"))
    messages = line.get("messages")
    if not isinstance(messages, list) or not messages:
        yield Finding("missing_messages_list", "has no list `messages`; give it one, with what is asked and answered")
        return
    calls: set[str] = set()
    for number, message in enumerate(messages, 1):
        for code, text in _of_message(message, calls):
            yield Finding(code, f"message {number} {text}")
    yield from _of_answers([message for message in messages if isinstance(message, dict)])


def hints_of(line: Mapping[str, Any]) -> Iterator[str]:
    """Yields what is allowed but seldom meant, of a line that nothing is wrong with."""
    roles = [message["role"] for message in line["messages"]]
    if "system" not in roles:
        yield "no system message"
    if "user" not in roles:
        yield "no user message"
    if roles[-1] != "assistant":
        yield "ends with another message than the assistant's"


def is_trained(message: Mapping[str, Any]) -> bool:
    """Returns whether a model is trained to say a message: the assistant's, unless its weight is 0."""
    return message.get("role") == "assistant" and message.get("weight", 1) == 1


def calls_tools(message: Mapping[str, Any]) -> bool:
    """Returns whether a message calls a tool, or says what one answered."""
    return bool(message.get("tool_calls") or message.get("function_call") or message["role"] in ("tool", "function"))


def _of_answers(messages: list[dict[str, Any]]) -> Iterator[Finding]:
    if not any(message.get("role") == "assistant" for message in messages):
        text = "has no message of role assistant; add the answer that is to be learnt"
        yield Finding("example_missing_assistant_message", text)
    elif not any(message.get("role") == "assistant" and message.get("weight") != 0 for message in messages):
        text = "gives every assistant message the weight 0; nothing is learnt of it, so leave the line out"
        yield Finding("example_missing_assistant_message", text)


def _of_message(message: Any, calls: set[str]) -> Iterator[Finding]:
    if not isinstance(message, dict):
        yield Finding("data_type", f"is {_kind(message)}; write an object with `role` and `content`")
        return
    role, called = message.get("role"), [key for key in ("tool_calls", "function_call") if message.get(key)]
    missing = [key for key in ("role", "content") if key not in message and not (key == "content" and called)]
    if role == "tool" and "tool_call_id" not in message:
        missing.append("tool_call_id")
    for key in missing:
        yield Finding("message_missing_key", f"has no `{key}`; add it")
    for key in message:
        if key not in MESSAGE_KEYS:
            text = f"has a key `{key}`; leave it out, allowed are {', '.join(MESSAGE_KEYS)}"
            yield Finding("message_unrecognized_key", text)
    if "role" in message and role not in ROLES:
        yield Finding("unrecognized_role", f"has the role {_shown(role)}; allowed are {', '.join(ROLES)}")
    content = message.get("content")
    if "content" in message and not (isinstance(content, str) and content) and not (called and content is None):
        yield Finding("missing_content", f"has {_kind(content)} for `content`; write a text that is not empty")
    if "weight" in message and (role != "assistant" or message["weight"] not in (0, 1)):
        yield Finding("weight", f"has the weight {_shown(message['weight'])}; only the assistant's have one, of 0 or 1")
    yield from _of_calls(message, calls)


def _of_calls(message: dict[str, Any], calls: set[str]) -> Iterator[Finding]:
    role, made = message.get("role"), message.get("tool_calls")
    for key in ("tool_calls", "function_call"):
        if key in message and role != "assistant":
            yield Finding("tool_calls", f"has `{key}`; only the assistant calls, so move them there")
            return
    if "function_call" in message and not _is_call(message["function_call"]):
        yield Finding("tool_calls", "has a `function_call` that is not {name, arguments}; arguments are JSON as text")
    if made is not None and not isinstance(made, list):
        yield Finding("tool_calls", f"has {_kind(made)} for `tool_calls`; write a list of calls")
        return
    for call in made or ():
        if not (isinstance(call, dict) and isinstance(call.get("id"), str) and _is_call(call.get("function"))):
            text = "has a call that is not {id, type, function: {name, arguments}}; arguments are JSON as text"
            yield Finding("tool_calls", text)
        else:
            calls.add(call["id"])
    answered = message.get("tool_call_id")
    if role == "tool" and answered is not None and answered not in calls:
        yield Finding(
            "tool_calls", f"answers the call {_shown(answered)}, which no message before it makes; mend the id"
        )


def _of_tools(tools: Any) -> Iterator[Finding]:
    if tools is None:
        return
    if not isinstance(tools, list) or not all(_is_tool(tool) for tool in tools):
        yield Finding("tools", "`tools` is not a list of {type: function, function: {name, parameters}}; mend it")


def _is_tool(tool: Any) -> bool:
    return (
        isinstance(tool, dict)
        and tool.get("type") == "function"
        and isinstance(tool.get("function"), dict)
        and isinstance(tool["function"].get("name"), str)
    )


def _is_call(function: Any) -> bool:
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        return False
    try:
        return isinstance(function.get("arguments"), str) and isinstance(json.loads(function["arguments"]), dict)
    except ValueError:
        return False


def _kind(value: Any) -> str:
    if value is None or value == "":
        return "nothing"
    kinds = {
        str: "a text",
        bool: "a truth value",
        int: "a number",
        float: "a number",
        list: "a list",
        dict: "an object",
    }
    return kinds.get(type(value), type(value).__name__)


def _shown(value: Any) -> str:
    shown = json.dumps(value, ensure_ascii=False)
    return shown if len(shown) <= 40 else f"{shown[:39]}…"
