"""Identity is content: a thing is named by a digest of what it is."""

import hashlib
import json
from typing import Any

from pydantic import BaseModel


def digest(content: Any) -> str:
    """Returns 16 hexadecimal digits (64 bits of SHA-256) that name `content`.

    Args:
        content: anything JSON can hold, or a pydantic model, or a container of them. The order of a mapping's keys
            does not matter; the order of a list does.

    Raises:
        TypeError: `content` holds something that JSON cannot.
    """
    return hashlib.sha256(_text(content).encode()).hexdigest()[:16]


class ListDigest:
    """The digest of a list whose items are given one by one: `digest` of all of them, none kept."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256(b"[")
        self._empty = True

    def add(self, item: Any) -> None:
        """Adds the next item.

        Raises:
            TypeError: it holds something that JSON cannot.
        """
        if not self._empty:
            self._hash.update(b",")
        self._empty = False
        self._hash.update(_text(item).encode())

    @property
    def value(self) -> str:
        """16 hexadecimal digits that name the items so far."""
        whole = self._hash.copy()
        whole.update(b"]")
        return whole.hexdigest()[:16]


def _text(content: Any) -> str:
    return json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    raise TypeError(f"{type(value).__name__} has no digest")
