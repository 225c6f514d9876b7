"""What a target of the user's gives back: a text, or a mapping with an answer and the context it drew on."""

from typing import Any

from tasks.calling.answer import Passage


def read_context(found: Any) -> tuple[Passage, ...]:
    """Returns the passages of a `context`: a list of `{id, text}` or of texts, which are numbered from 1.

    Raises:
        ValueError: it is something else; says what was found.
    """
    if found is None:
        return ()
    if not isinstance(found, list | tuple):
        raise ValueError(f"`context` is {type(found).__name__}, allowed is a list of {{id, text}}")
    return tuple(_passage(position, entry) for position, entry in enumerate(found, 1))


def as_answer(found: Any, name: str) -> str:
    """Returns an answer's text; numbers and booleans as JSON writes them.

    Raises:
        ValueError: it is no text.
    """
    if isinstance(found, str):
        return found
    if isinstance(found, bool | int | float):
        return str(found).lower() if isinstance(found, bool) else str(found)
    raise ValueError(f"{name} is {type(found).__name__}, allowed is a text")


def _passage(position: int, entry: Any) -> Passage:
    if isinstance(entry, str):
        return Passage(str(position), entry)
    if isinstance(entry, dict) and isinstance(entry.get("text"), str):
        return Passage(str(entry.get("id", position)), entry["text"])
    raise ValueError(f"entry {position} of `context` is no {{id, text}}")
