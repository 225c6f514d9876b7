"""One cell of a dataset, read by the role of its column."""

import json
from typing import Any

from configs.errors import DataError
from tasks.data.row import Message

_ROLES = ("system", "user", "assistant", "tool")
_TRUTH = {"true": True, "1": True, "false": False, "0": False}


def as_text(value: Any) -> str:
    """Returns a value as text: "" for None, `true` and `false` for booleans, JSON for lists and mappings."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool | list | dict):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def as_id(value: Any, column: str, where: str) -> str:
    """Returns a row's id, without surrounding blanks. A whole number is taken as its digits.

    Raises:
        DataError: it is missing, empty, or neither text nor a whole number.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, str) and value.strip():
        return value.strip()
    raise DataError(f"{where}: column {column!r} (role id) holds {_shown(value)}; allowed is a text that is not empty")


def as_question(value: Any, column: str, where: str) -> tuple[Message, ...]:
    """Returns a question as a conversation of one message.

    Raises:
        DataError: it is missing, empty or not text.
    """
    if not isinstance(value, str) or not value.strip():
        raise DataError(
            f"{where}: column {column!r} (role question) holds {_shown(value)}; allowed is a text that is not empty"
        )
    return (Message("user", value),)


def as_messages(value: Any, column: str, where: str) -> tuple[Message, ...]:
    """Returns a conversation: a list of `{role, content}`, or such a list as JSON text. Other keys are passed over.

    Raises:
        DataError: it is not such a list, or does not end with a message of the user's.
    """
    where = f"{where}: column {column!r} (role messages)"
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except json.JSONDecodeError:
            raise DataError(f"{where} is text that is not JSON; write a list of {{role, content}}") from None
    if not isinstance(value, list) or not value:
        raise DataError(f"{where} holds {_shown(value)}; allowed is a list of {{role, content}}")
    messages = []
    for number, item in enumerate(value, start=1):
        if not isinstance(item, dict):
            raise DataError(f"{where}, message {number}: holds {_shown(item)}; allowed is {{role, content}}")
        role, content = item.get("role"), item.get("content")
        if role not in _ROLES:
            raise DataError(f"{where}, message {number}: role {_shown(role)}; allowed are {', '.join(_ROLES)}")
        if not isinstance(content, str):
            raise DataError(f"{where}, message {number}: content {_shown(content)}; allowed is text")
        messages.append(Message(role, content))
    if messages[-1].role != "user" or not messages[-1].content.strip():
        raise DataError(
            f"{where} ends with a message of role {messages[-1].role}; the last must be the user's, not empty"
        )
    return tuple(messages)


def as_documents(value: Any, column: str, where: str) -> tuple[str, ...]:
    """Returns document ids from a list, a list as JSON text, or a text that parts them by commas; () where empty.

    Raises:
        DataError: it is none of them.
    """
    if value is None:
        return ()
    if isinstance(value, str):
        try:
            parsed = json.loads(value) if value.lstrip().startswith("[") else None
        except json.JSONDecodeError:
            parsed = None
        value = parsed if isinstance(parsed, list) else value.split(",")
    if isinstance(value, int) and not isinstance(value, bool):
        value = [value]
    if not isinstance(value, list) or any(isinstance(item, list | dict | bool | float) for item in value):
        raise DataError(
            f"{where}: column {column!r} (role documents) holds {_shown(value)}; "
            f"allowed is a list of ids, or a text of ids parted by commas"
        )
    return tuple(text for item in value if (text := as_text(item).strip()))


def as_answerable(value: Any, column: str, where: str) -> bool | None:
    """Returns whether a row is answerable; None where the cell is empty.

    Raises:
        DataError: it is no boolean, 0, 1, "true" or "false".
    """
    text = as_text(value).strip().lower()
    if not text:
        return None
    if text not in _TRUTH:
        raise DataError(
            f"{where}: column {column!r} (role answerable) holds {_shown(value)}; "
            f"allowed are true, false, 1, 0 or nothing"
        )
    return _TRUTH[text]


def _shown(value: Any) -> str:
    shown = "nothing" if value is None or value == "" else repr(value)
    return shown if len(shown) <= 60 else shown[:57] + "..."
