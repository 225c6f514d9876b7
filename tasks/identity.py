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
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=_plain)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    raise TypeError(f"{type(value).__name__} has no digest")
