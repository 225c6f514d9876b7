"""Sets apart what nobody should learn from, or be measured by: rows with secrets, that swear, or without an answer."""

from collections.abc import Sequence
from functools import lru_cache

from configs.schema.dataset import Columns
from tasks.curating.item import Apart, Item, Kept, texts_of
from tasks.curating.secrets import secret_in
from tasks.scoring.abstaining import abstains
from tasks.scoring.profanity import swearing

# 3 ms a text, and many rows share their answer.
_swearing = lru_cache(4096)(swearing)

SECRET, SWEARS, UNANSWERED = "holds a secret", "swears", "unanswered"


def screen(items: Sequence[Item], columns: Columns, swears: float, phrases: tuple[str, ...]) -> Kept:
    """Looks at every item by itself.

    Args:
        items: with their personal data redacted.
        columns: roles; where none is the reference, no row can lack one.
        swears: probability from which on a text swears.
        phrases: by which an abstention is recognised.
    """
    kept, apart = [], []
    for item in items:
        fault = _fault(item, columns, swears, phrases)
        if fault is None:
            kept.append(item)
        else:
            apart.append(fault)
    return Kept(tuple(kept), tuple(apart))


def _fault(item: Item, columns: Columns, swears: float, phrases: tuple[str, ...]) -> Apart | None:
    row = item.row
    for text in texts_of(row):
        if kind := secret_in(text):
            return Apart(item, SECRET, kind)
    for text in texts_of(row):
        if text and (probability := _swearing(text)) >= swears:
            return Apart(item, SWEARS, f"probability {probability:.2f}")
    if columns.reference is None:
        return None
    if not row.reference.strip():
        return Apart(item, UNANSWERED, "no reference")
    if row.answerable is True and abstains(row.reference, phrases):
        return Apart(item, UNANSWERED, "marked answerable, and its reference says that it is not known")
    return None
