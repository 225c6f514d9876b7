"""What a look at the served requests shows, in one form for all kinds: for pages, events and whoever alerts."""

from typing import Literal, NamedTuple

from tasks.watching.compare import Comparison

Kind = Literal["limit", "change", "drift", "topic", "budget"]
Severity = Literal["warning", "critical"]

EXAMPLES = 3
"""Requests that are shown of what is found."""


class Signal(NamedTuple):
    """Something that people should know of.

    Attributes:
        key: names it: the same key at the next look is the same thing, still there.
        kind: a broken limit, a metric that has changed, drift, a new topic, or an error budget.
        words: what is the matter, in one sentence.
        severity: `critical` where users are hurt for certain.
        examples: texts of requests, without personal data.
    """

    key: str
    kind: Kind
    words: str
    severity: Severity = "warning"
    examples: tuple[str, ...] = ()


class Unmeasured(NamedTuple):
    """A signal of which a look can say neither that it is there nor that it is over; key and kind are the signal's."""

    key: str
    kind: Kind


def limit_signals(comparison: Comparison) -> tuple[Signal, ...]:
    """Returns the limits that are certainly broken."""
    return tuple(
        Signal(f"limit/{each.limit}", "limit", f"{each.limit}: {each.reason}", "critical") for each in comparison.broken
    )
