"""The lines of a batch: how they are read, and what comes of each.

Source: https://platform.openai.com/docs/api-reference/batch, "The request input object" and "output object"; the codes
are those that OpenAI documents and was seen to answer.
"""

import uuid
from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

from infra.simulator.batch import Batch
from infra.simulator.chance import Sending, share
from infra.simulator.endpoint import Endpoint
from infra.simulator.errors import Problem
from infra.simulator.faults import problem_of
from infra.simulator.replies import reply_to

_MOST_LINES = 50_000
_ABSENT = {
    "batch_expired": "This request could not be executed before the completion window expired.",
    "batch_cancelled": "This request was not executed because the batch was cancelled.",
    "request_timeout": "The underlying call to the model timed out.",
}


class Line(NamedTuple):
    """One request of a batch."""

    custom_id: str
    body: dict[str, Any]


class LineResult(NamedTuple):
    """What came of a line."""

    text: bytes
    """The line of the output or of the error file, with its line break."""
    failed: bool
    """Whether it belongs into the error file."""
    expired: bool = False
    """Whether it was not carried out in time."""


def read_lines(content: bytes, batch: Batch) -> list[Line]:
    """Returns the lines of an input file; what is wrong with them is added to the errors of the batch."""
    lines: list[Line] = []
    known: set[str] = set()
    for number, text in enumerate(content.splitlines(), 1):
        if not text.strip():
            continue
        try:
            found = orjson.loads(text)
        except orjson.JSONDecodeError:
            found = None
        if not isinstance(found, dict):
            batch.errors.append(_error("invalid_json_line", "This line is not parseable as valid JSON.", number))
            continue
        errors = list(_errors_of(found, number, batch, known))
        batch.errors.extend(errors)
        if not errors:
            known.add(found["custom_id"])
            batch.model = batch.model or found["body"].get("model")
            lines.append(Line(found["custom_id"], found["body"]))
    if not lines and not batch.errors:
        batch.errors.append(_error("empty_file", "The input file has no requests."))
    if len(lines) > _MOST_LINES:
        batch.errors.append(_error("too_many_tasks", f"The input file has more than {_MOST_LINES} requests."))
    return lines


def carry_out(endpoint: Endpoint, batch: Batch, line: Line, sending: Sending) -> LineResult:
    """Answers a line, or fails as the behaviour says."""
    behaviour = endpoint.behaviour
    if share(behaviour.seed, sending, "expire") < behaviour.batch_expire_share:
        return not_carried_out(line, "batch_expired")
    endpoint.statistics.batch_lines += 1
    try:
        reply = reply_to(behaviour, batch.endpoint, line.body, endpoint.tuned)
        fault = endpoint.faults.of(sending, reply.texts)
        if fault and fault.kind == "hang":
            return not_carried_out(line, "request_timeout")
        if fault:
            raise problem_of(fault) or Problem(500, "The server had an error.", "server_error")
    except Problem as problem:
        return LineResult(_output(line, _response(problem.status, problem.body), None), failed=True)
    batch.tokens_in += reply.tokens_in
    batch.tokens_out += reply.tokens_out
    return LineResult(_output(line, _response(200, reply.whole()), None), failed=False)


def not_carried_out(line: Line, code: str) -> LineResult:
    """Returns what comes of a line that has no answer: `batch_expired`, `batch_cancelled` or `request_timeout`."""
    error = {"code": code, "message": _ABSENT[code]}
    return LineResult(_output(line, None, error), failed=True, expired=code == "batch_expired")


def _errors_of(found: dict[str, Any], number: int, batch: Batch, known: set[str]) -> Iterator[dict[str, Any]]:
    for name, kind in (("custom_id", str), ("method", str), ("url", str), ("body", dict)):
        if not isinstance(found.get(name), kind):
            yield _error("missing_required_parameter", f"Missing required parameter: '{name}'.", number, name)
            return
    if found["custom_id"] in known:
        message = f"The custom_id '{found['custom_id']}' for this request is a duplicate of another request."
        yield _error("duplicate_custom_id", message, number, "custom_id")
    if found["method"] != "POST":
        yield _error("invalid_method", "The HTTP method must be 'POST'.", number, "method")
    if found["url"] != batch.endpoint:
        message = f"The URL '{found['url']}' is not the endpoint of the batch."
        yield _error("url_mismatch", message, number, "url")
    if batch.model and found["body"].get("model") != batch.model:
        yield _error("model_mismatch", "All requests of a batch must use the same model.", number, "body.model")


def _error(code: str, message: str, line: int | None = None, param: str | None = None) -> dict[str, Any]:
    return {"code": code, "message": message, "line": line, "param": param}


def _response(status: int, body: dict[str, Any]) -> dict[str, Any]:
    return {"status_code": status, "request_id": f"req_{uuid.uuid4().hex}", "body": body}


def _output(line: Line, response: dict[str, Any] | None, error: dict[str, str] | None) -> bytes:
    number = f"batch_req_{uuid.uuid4().hex}"
    return orjson.dumps({"id": number, "custom_id": line.custom_id, "response": response, "error": error}) + b"\n"
