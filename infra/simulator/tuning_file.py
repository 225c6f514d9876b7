"""The files of a fine-tuning job: how their lines are read, and what makes a job fail before it begins."""

from typing import Any

import orjson

from infra.simulator.answering import tokens
from infra.simulator.errors import Problem
from infra.simulator.files import StoredFile
from infra.simulator.learning import Lesson

_FEWEST = 10
_ROLES = ("system", "user", "assistant", "tool", "function")


class InvalidFile(Exception):  # noqa: N818 - why a job fails, not an error of this program
    """A file that no model can be trained on: the code and the message of the job's error."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def check_purpose(file: StoredFile, param: str) -> None:
    """Refuses a file that was not uploaded for fine-tuning.

    Raises:
        Problem: it was not.
    """
    if file.purpose != "fine-tune":
        raise Problem(400, f"Invalid '{param}': file '{file.id}' has purpose '{file.purpose}', not 'fine-tune'.")


def lessons_of(file: StoredFile, fewest: int = _FEWEST) -> list[Lesson]:
    """Returns the lessons of a file.

    Raises:
        InvalidFile: its first line that nobody could be trained on, or too few of them.
    """
    lines = [line for line in file.content.split(b"\n") if line.strip()]
    lessons = [_lesson(line, number) for number, line in enumerate(lines, 1)]
    if len(lessons) < fewest:
        raise InvalidFile(
            "invalid_n_examples", f"{file.id} has {len(lessons)} example(s), but must have at least {fewest} examples"
        )
    return lessons


def _lesson(line: bytes, number: int) -> Lesson:
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        found = None
    messages = found.get("messages") if isinstance(found, dict) else None
    if not isinstance(messages, list) or not messages:
        raise _invalid(f"Line {number} is not an object with a list of 'messages'.")
    for message in messages:
        _check_message(message, number)
    trained = [at for at, one in enumerate(messages) if one["role"] == "assistant" and one.get("weight", 1)]
    if not trained:
        raise _invalid(f"Line {number}: the last message must be from the assistant.")
    questions = [_text(one) for one in messages[: trained[-1]] if one["role"] == "user"]
    total = sum(len(tokens(_text(one))) for one in messages)
    return Lesson(questions[-1] if questions else "", _text(messages[trained[-1]]), total)


def _check_message(message: Any, number: int) -> None:
    if not isinstance(message, dict) or message.get("role") not in _ROLES:
        raise _invalid(f"Line {number}: a message must have one of the roles {', '.join(_ROLES)}.")
    if not (isinstance(message.get("content"), str) or message.get("tool_calls") or message.get("function_call")):
        raise _invalid(f"Line {number}: a message must have content.")


def _invalid(said: str) -> InvalidFile:
    return InvalidFile("invalid_training_file", f"The job failed due to an invalid training file. {said}")


def _text(message: dict[str, Any]) -> str:
    return str(message.get("content") or "")
