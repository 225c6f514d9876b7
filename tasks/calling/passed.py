"""What a client may add to its question, and goes on to the model as the client said it."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from tasks.data.row import Message


class Passed(NamedTuple):
    """What is passed on.

    `fields` are those of the request's body (`tools`, `response_format`, …); `turns` is what follows the user's last
    message: calls of tools, and what they gave.
    """

    fields: Mapping[str, Any]
    turns: tuple[Message, ...]


NOTHING = Passed({}, ())
"""Of most requests."""
