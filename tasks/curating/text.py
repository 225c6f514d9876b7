"""What rows are compared by: their words without punctuation, runs of them, and their numbers."""

from functools import lru_cache
from typing import NamedTuple

from tasks.curating.item import Item
from tasks.scoring.words import tokens

_SHINGLE = 4
_CACHED = 200_000


class Text(NamedTuple):
    """A text as it is compared.

    Attributes:
        words: its tokens.
        numbers: the tokens that begin with a digit, in their order: texts that differ in one say something else.
    """

    words: tuple[str, ...]
    numbers: tuple[str, ...]

    @property
    def plain(self) -> str:
        """The words, parted by blanks."""
        return " ".join(self.words)

    @property
    def shingles(self) -> frozenset[str]:
        """Runs of four characters of the plain text; of a shorter one, the text."""
        plain = self.plain
        return frozenset(plain[at : at + _SHINGLE] for at in range(max(1, len(plain) - _SHINGLE + 1)))

    def runs(self, n: int) -> frozenset[tuple[str, ...]]:
        """Runs of `n` tokens; of a shorter text, all of them."""
        length = max(1, min(n, len(self.words)))
        return frozenset(self.words[at : at + length] for at in range(len(self.words) - length + 1))


@lru_cache(_CACHED)
def text_of(text: str) -> Text:
    """Returns a text as it is compared, whatever its case, blanks and punctuation."""
    words = tuple(tokens(text))
    return Text(words, tuple(word for word in words if word[0].isdecimal()))


def question_of(item: Item) -> Text:
    """Returns what an item asks: all its messages, so that the same words in another conversation are another row."""
    return text_of(" ".join(message.content for message in item.row.messages))


def answer_of(item: Item) -> Text:
    """Returns the item's reference."""
    return text_of(item.row.reference)


def jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    """Returns the share of what two sets have in common of all that they have."""
    both = len(one & other)
    return both / (len(one) + len(other) - both) if both else 0.0
