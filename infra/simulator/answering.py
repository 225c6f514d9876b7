"""What a simulated endpoint says: answers by rule, tokens by word, vectors by hashed words. All deterministic."""

import hashlib
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from infra.simulator.behaviour import Rule

_DOCUMENT = re.compile(r"^\[(?P<id>[^\]\n]+)\] (?P<text>.+)$", re.MULTILINE)
_TOKEN = re.compile(r"\s*(?:\w+|[^\w\s])|\s+$")


def answer_to(messages: Sequence[dict[str, Any]], rules: Sequence[Rule]) -> str:
    """Returns the answer to a conversation."""
    contents = [str(message.get("content") or "") for message in messages]
    prompt = "\n".join(contents)
    users = [text for text, message in zip(contents, messages, strict=True) if message.get("role") == "user"]
    last = users[-1] if users else prompt
    for rule in rules:
        if rule.contains in (last if rule.where == "last" else prompt):
            return rule.answer
    document = _DOCUMENT.search(last) or _DOCUMENT.search(prompt)
    return f"{document['text']} [{document['id']}]" if document else last


def tokens(text: str) -> list[str]:
    """Cuts a text into words and signs, which together are the text."""
    return _TOKEN.findall(text)


def embedding(text: str, dimensions: int) -> list[float]:
    """Returns the hashed bag of a text's words, of length 1: texts that share words are alike."""
    vector = np.zeros(dimensions)
    for word in re.findall(r"\w+", text.lower()) or [""]:
        number = int.from_bytes(hashlib.sha256(word.encode()).digest()[:8], "big")
        vector[number % dimensions] += 1.0
    return [float(value) for value in vector / np.linalg.norm(vector)]
