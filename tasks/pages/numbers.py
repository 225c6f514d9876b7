"""Numbers and texts as people read them."""

import math
import re

from tasks.statistics.estimate import Estimate

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def number(value: float | None, *, signed: bool = False) -> str:
    """Returns a number to three digits, never in powers of ten; `?` for none, `∞` for one without bound."""
    import numpy as np

    if value is None or math.isnan(value):
        return "?"
    if math.isinf(value):
        return "−∞" if value < 0 else "∞"
    digits = np.format_float_positional(abs(value), precision=3, fractional=False, trim="-")
    sign = "−" if value < 0 else "+" if signed and value > 0 else ""
    return sign + digits


def shown(estimate: Estimate | None, *, signed: bool = False) -> str:
    """Returns `value [low, high]`, "" where nothing was measured; an end that nothing is known of is `?`."""
    if estimate is None or estimate.value is None:
        return ""
    ends = (number(end, signed=signed) for end in (estimate.low, estimate.high))
    return f"{number(estimate.value, signed=signed)} [{', '.join(ends)}]"


def dollars(value: float | None) -> str:
    """Returns a price in US dollars; `an unknown price` for none."""
    return "an unknown price" if value is None or math.isnan(value) else f"${number(value)}"


def duration(seconds: float | None) -> str:
    """Returns a time in the unit that fits it."""
    if seconds is None or math.isnan(seconds):
        return "an unknown time"
    if seconds < 120:
        return f"{number(seconds)} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def counted(count: int, thing: str = "row") -> str:
    """Returns `1 row`, `1,200 rows`."""
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


def printable(text: str) -> str:
    """Returns a text in which `�` stands for each character by which a terminal is steered."""
    return _CONTROL.sub("�", text)
