"""Where a text holds personal data, and the text without them. The recognisers are those of the scorer `pii_leak`."""

import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

from tasks.scoring.pii import KINDS, REGIONS, SCRIPT_BORDER, is_certain, recognizers


class PersonalData(NamedTuple):
    """A place in a text, and the kind of what stands there."""

    start: int
    end: int
    kind: str


def personal_data_in(
    text: str, kinds: tuple[str, ...] = KINDS, regions: tuple[str, ...] = REGIONS
) -> list[PersonalData]:
    """Returns the personal data in a text, in their order; nothing that lies inside another.

    A text of thousands of characters may take seconds: some recognisers take the square of its length.
    """
    plain, origin = _plain(text)
    return outermost(
        PersonalData(origin[result.start], origin[result.end - 1] + 1, result.entity_type)
        for recognizer in recognizers(regions)
        for result in recognizer.analyze(plain, recognizer.supported_entities)
        if result.entity_type in kinds and is_certain(result, plain)
    )


def without(text: str, found: Iterable[PersonalData]) -> str:
    """Returns a text with `<EMAIL_ADDRESS>` and the like where it holds personal data; the rest is left as it is.

    Args:
        text: the text.
        found: what it holds, in order and none inside another.
    """
    parts, begin = [], 0
    for start, end, kind in found:
        # Of two that overlap, the second begins where the first ends.
        parts += [text[begin:start], f"<{kind}>"]
        begin = max(begin, end)
    return "".join([*parts, text[begin:]])


def outermost(found: Iterable[PersonalData]) -> list[PersonalData]:
    """Returns findings in order, without what lies inside another, and of the same place all but one."""
    kept: list[PersonalData] = []
    for each in sorted(found, key=lambda each: (each.start, -each.end, each.kind)):
        if not kept or each.end > kept[-1].end:
            kept.append(each)
    return kept


def _plain(text: str) -> tuple[str, list[int]]:
    """Returns the text as the recognisers read it, and the place in the text that each of its characters is from."""
    if text.isascii():
        return text, list(range(len(text)))
    characters, origin = [], []
    for at, character in enumerate(text):
        for each in unicodedata.normalize("NFKC", character):
            characters.append(each)
            origin.append(at)
    joined = "".join(characters)
    plain, places, begin = [], [], 0
    for border in SCRIPT_BORDER.finditer(joined):
        end = border.start()
        plain += [joined[begin:end], " "]
        places += [*origin[begin:end], origin[end]]
        begin = end
    return "".join([*plain, joined[begin:]]), [*places, *origin[begin:]]
