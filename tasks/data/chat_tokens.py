"""How many tokens lines of chat fine-tuning JSONL are, and what training on them costs."""

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from tasks.data.chat_checks import is_trained

AROUND_A_MESSAGE = 4
"""Tokens that a chat template puts around a message beside its role: those of SmolLM2, and about those of others."""


class LineTokens(NamedTuple):
    """Tokens of a line: all of them, and those that a model learns to say."""

    total: int
    trained: int


class FileTokens(NamedTuple):
    """Tokens of a file, counted by the embedded model's tokenizer.

    Attributes:
        lines: tokens of each line that nothing is wrong with, in their order.
    """

    lines: tuple[int, ...] = ()
    trained: int = 0

    @property
    def total(self) -> int:
        """Tokens of all lines."""
        return sum(self.lines)

    @property
    def longest(self) -> int:
        """Tokens of the longest line."""
        return max(self.lines, default=0)


def tokens_of(line: Mapping[str, Any], count: Callable[[str], int]) -> LineTokens:
    """Returns the tokens of a line that nothing is wrong with; calls and tools count as the JSON that says them."""
    tools = count(json.dumps(line["tools"])) if line.get("tools") else 0
    counted = [(message, _of_message(message, count)) for message in line["messages"]]
    trained = sum(tokens for message, tokens in counted if is_trained(message))
    return LineTokens(tools + sum(tokens for _, tokens in counted), trained)


def training_price(tokens: int, epochs: int, a_million: float) -> float:
    """Returns what training costs in US dollars: every token of the file counts, once an epoch."""
    return tokens * epochs * a_million / 1e6


def _of_message(message: Mapping[str, Any], count: Callable[[str], int]) -> int:
    texts = [message["role"], message.get("content") or "", message.get("name") or ""]
    calls = [message[key] for key in ("tool_calls", "function_call") if message.get(key)]
    return AROUND_A_MESSAGE + sum(map(count, texts)) + sum(count(json.dumps(call)) for call in calls)
