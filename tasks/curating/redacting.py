"""Personal data taken out of texts: what stands in its place names its kind, and nothing anywhere leads back to it."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any, NamedTuple

from configs.schema.dataset import Columns
from tasks.curating.item import Item
from tasks.identity import digest
from tasks.scoring.personal import personal_data_in, without
from tasks.scoring.pii import KINDS, REGIONS

_CACHED = 100_000


class Redacted(NamedTuple):
    """A text without personal data, and how much was found in it."""

    text: str
    found: int


@lru_cache(_CACHED)  # a row says most of its texts twice: by their roles, and in its columns
def redacted(text: str, kinds: tuple[str, ...] = KINDS, regions: tuple[str, ...] = REGIONS) -> Redacted:
    """Returns a text with `<EMAIL_ADDRESS>` and the like where it held personal data; the rest is left as it is.

    The recognisers are those of the scorer `pii_leak`. A pseudonym would lead back to the person by guessing; the
    kind's name does not.
    """
    if not any(character in "@.:" or character.isdecimal() for character in text):
        return Redacted(text, 0)  # every kind has one of them
    found = personal_data_in(text, kinds, regions)
    return Redacted(without(text, found), len(found))


class RedactedItem(NamedTuple):
    """An item without personal data, and how much was found in it."""

    item: Item
    found: int


def redact_item(item: Item, columns: Columns) -> RedactedItem:
    """Returns an item without personal data in its messages, its reference, its class and all its columns.

    Who asked is personal data as well: the column of the role `user` goes. An id that holds some becomes a digest of
    the row without it, which another row of the same source may share.
    """
    found = 0

    def clean(text: str) -> str:
        nonlocal found
        made = redacted(text)
        found += made.found
        return made.text

    row = item.row
    values = _each_column(row.columns, columns, clean)
    in_columns, found = found, 0
    messages = tuple(message._replace(content=clean(message.content)) for message in row.messages)
    reference = clean(row.reference)
    named = redacted(row.id).found
    name = digest([item.source, [tuple(message) for message in messages], reference]) if named else row.id
    values[columns.id] = name
    changed = replace(
        row,
        id=name,
        messages=messages,
        reference=reference,
        cluster=name if row.cluster == row.id else clean(row.cluster),
        user="",
        slices={key: clean(value) for key, value in row.slices.items()},
        columns=values,
    )
    made = replace(item, row=changed, about=redacted(item.about).text)
    return RedactedItem(made, max(in_columns, found) + named)


def redacted_values(values: Mapping[str, Any], columns: Columns) -> dict[str, Any]:
    """Returns a record without personal data, and without the column of the role `user`."""
    return _each_column(values, columns, lambda text: redacted(text).text)


def _each_column(values: Mapping[str, Any], columns: Columns, clean: Callable[[str], str]) -> dict[str, Any]:
    return {name: each_text(value, clean) for name, value in values.items() if name != columns.user}


def each_text(value: Any, clean: Callable[[str], str]) -> Any:
    """Returns a value with its texts made clean, however deep they lie, and numbers that are long enough to be one."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [each_text(each, clean) for each in value]
    if isinstance(value, dict):
        return {name: each_text(each, clean) for name, each in value.items()}
    whole = _whole(value)
    if whole is not None and abs(whole) >= 10**8:
        made = clean(str(whole))  # a telephone or card number, written as one
        return value if made == str(whole) else made
    return value


def _whole(value: Any) -> int | None:
    """Returns a whole number as an integer; a column of integers with gaps is read as floats."""
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None
