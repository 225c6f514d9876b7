"""Puts together the tool calls of one answer, which come in pieces where the answer is streamed."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from tasks.calling.answer import ToolCall


class ToolCalls:
    """The calls so far.

    A piece names its call by `index`. Some endpoints leave the index out, or give every call the first one; a piece
    with another id begins another call all the same.
    """

    def __init__(self) -> None:
        self._calls: list[dict[str, str]] = []
        self._places: dict[int, int] = {}

    def take(self, pieces: Sequence[Mapping[str, Any]]) -> None:
        """Adds pieces."""
        for position, piece in enumerate(pieces):
            call = self._call_of(piece.get("index", position), piece.get("id") or "")
            function = piece.get("function") or {}
            call["name"] += function.get("name") or ""
            call["arguments"] += function.get("arguments") or ""

    def whole(self) -> tuple[ToolCall, ...]:
        """Returns the calls; one that has no id is given one, by which its result can be told."""
        return tuple(
            ToolCall(call["id"] or f"call_{uuid.uuid4().hex}", call["name"], call["arguments"]) for call in self._calls
        )

    def _call_of(self, index: int, identity: str) -> dict[str, str]:
        place = self._places.get(index)
        if place is None or (identity and self._calls[place]["id"] not in ("", identity)):
            self._calls.append({"id": "", "name": "", "arguments": ""})
            place = self._places[index] = len(self._calls) - 1
        call = self._calls[place]
        call["id"] = call["id"] or identity
        return call
