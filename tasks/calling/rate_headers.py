"""What an endpoint's rate-limit headers ask for, as OpenAI and those who follow it write them."""

import re
from collections.abc import Mapping

_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)?")
_SECONDS = {"ms": 0.001, "s": 1.0, "": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_LONGEST_S = 60.0


def pause_asked(headers: Mapping[str, str]) -> float:
    """Returns the seconds to wait before the next call: until what is used up is there again, a minute at most.

    Args:
        headers: of a reply, looked up in lower case: `x-ratelimit-remaining-requests` and `-tokens`, and the
            `x-ratelimit-reset-…` beside each (`1s`, `6m0s`, `20ms`).
    """
    pauses = [
        _seconds(headers.get(f"x-ratelimit-reset-{what}", ""))
        for what in ("requests", "tokens")
        if headers.get(f"x-ratelimit-remaining-{what}") == "0"
    ]
    return min(_LONGEST_S, max(pauses, default=0.0))


def _seconds(text: str) -> float:
    parts = _PART.findall(text.strip())
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)
