"""What a simulated endpoint says: answers by rule, tokens by word, vectors by hashed words. All deterministic."""

import hashlib
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from infra.simulator.behaviour import Rule

_DOCUMENT = re.compile(r"^\[(?P<id>[^\]\n]+)\] (?P<text>.+)$", re.MULTILINE)
_TOKEN = re.compile(r"\s*(?:\w+|[^\w\s])|\s+$")


def answer_to(messages: Sequence[dict[str, Any]], rules: Sequence[Rule], chance: Callable[[], float]) -> str:
    """Returns the answer to a conversation.

    Args:
        messages: the conversation.
        rules: the first that applies answers.
        chance: gives a number from 0 up to 1, by which a rule with several answers chooses.
    """
    prompt, last = _whole(messages), last_question(messages)
    for rule in rules:
        if rule.contains in (last if rule.where == "last" else prompt):
            return _chosen(rule, last, chance)
    document = _DOCUMENT.search(last) or _DOCUMENT.search(prompt)
    return f"{document['text']} [{document['id']}]" if document else last


def last_question(messages: Sequence[dict[str, Any]]) -> str:
    """Returns the user's last message; the whole conversation where there is none."""
    users = [str(message.get("content") or "") for message in messages if message.get("role") == "user"]
    return users[-1] if users else _whole(messages)


def _whole(messages: Sequence[dict[str, Any]]) -> str:
    return "\n".join(str(message.get("content") or "") for message in messages)


def _chosen(rule: Rule, last: str, chance: Callable[[], float]) -> str:
    answers = (rule.answer, *rule.others)
    if len(answers) == 1:
        return rule.answer
    if rule.chosen_by == "request":
        return answers[int(chance() * len(answers))]
    blocks = [len(block) for block in re.split(r"\n\s*\n", last)]
    return answers[min(blocks.index(max(blocks)), len(answers) - 1)]


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
