"""The lines of a batch file: a question as a request, and what came of it.

Source: OpenAI's batch API, "The request input object" and "The request output object".
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import orjson

from tasks.calling.answer import Usage
from tasks.calling.chat import usage_of
from tasks.calling.failures import Callee, CallFailure, failure_of_said, failure_of_status, said_by, torn
from tasks.calling.targets import Given

CHAT: Final = "/v1/chat/completions"


class LineFailure(NamedTuple):
    """Why a question was not answered.

    `kind` is `expired`, `cancelled`, `missing` (the endpoint said nothing about it), `waiting` (it is still there),
    `cut_off` (the budget did not let it go), or a `FailureKind`; `cause` is one line that says it.
    """

    kind: str
    cause: str


class LineResult(NamedTuple):
    """What came of the line of one question, which its key names."""

    key: str
    found: Given | LineFailure


def request_line(key: str, body: Mapping[str, Any]) -> bytes:
    """Returns the line that asks a question, with its line break.

    Args:
        key: the question's key in the journal.
        body: of the chat request.
    """
    return orjson.dumps({"custom_id": key, "method": "POST", "url": CHAT, "body": body}) + b"\n"


def key_of(line: bytes) -> str:
    """Returns the key of a request line."""
    key: str = orjson.loads(line)["custom_id"]
    return key


def read_result(line: bytes, callee: Callee) -> LineResult | None:
    """Returns what a line of an output or an error file says; None where it is no such line.

    An answer counts only if the endpoint said how it finished, as everywhere.
    """
    try:
        said = orjson.loads(line)
        key, response, error = said["custom_id"], said.get("response"), said.get("error")
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    if not isinstance(key, str):
        return None
    if response is None:
        return LineResult(key, _not_carried_out(error, callee))
    try:
        return LineResult(key, _answer(response, callee))
    except CallFailure as failure:
        return LineResult(key, LineFailure(failure.kind, str(failure)))


def _answer(response: Mapping[str, Any], callee: Callee) -> Given:
    try:
        status, body = response["status_code"], response["body"]
        if status >= 400:
            raise failure_of_status(status, {}, said_by(body), callee)
        choice = body["choices"][0]
        if not choice["finish_reason"]:
            raise torn("ended its reply before the answer was whole", callee)
        text = choice["message"]["content"] or ""
        return Given(text, usage_of(body["usage"]) if body.get("usage") else Usage())
    except (KeyError, IndexError, TypeError, AttributeError):
        raise torn("gave a reply that cannot be read", callee) from None


def _not_carried_out(error: Any, callee: Callee) -> LineFailure:
    code = error.get("code") if isinstance(error, Mapping) else None
    if code == "batch_expired":
        return LineFailure("expired", f"{callee}: did not come to it in the 24 hours of a batch; run again")
    if code == "batch_cancelled":
        return LineFailure("cancelled", f"{callee}: its batch was cancelled before it was answered; run again")
    failure = failure_of_said(error, callee)
    return LineFailure(failure.kind, str(failure))
