"""Progress of long work: whoever runs a pipeline decides how it is shown; by default it is not.

What is said in words is logged as well, so that Prefect's UI has it beside the run.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple, Protocol

_log = logging.getLogger("lifecycle")
_log.setLevel(logging.INFO)


class Progress(NamedTuple):
    """How far a piece of long work is.

    Attributes:
        label: what it is.
        done: units done, of `total`.
        failed: of those, how many came to nothing.
        seconds: since it began.
        at_once: calls in flight now, None where that is not known.
        price: US dollars spent on it.
    """

    label: str
    done: int
    total: int
    failed: int
    seconds: float
    at_once: int | None
    price: float

    @property
    def rate(self) -> float:
        """Units a second."""
        return self.done / self.seconds if self.seconds > 0 else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Seconds that the rest takes at this rate; None before anything is done."""
        return (self.total - self.done) / self.rate if self.done else None

    def __str__(self) -> str:
        left = f", {self.seconds_left:.0f} s left" if self.seconds_left else ""
        return f"{self.done} of {self.total} rows, {self.rate:.1f}/s, {self.note or 'no failure'}{left}"

    @property
    def note(self) -> str:
        """What stands beside the count: failures, calls at once, price."""
        parts = [
            f"{self.failed} failed" if self.failed else "",
            f"{self.at_once} at once" if self.at_once is not None else "",
            f"${self.price:.4f}" if self.price else "",
        ]
        return ", ".join(part for part in parts if part)


class Bar(Protocol):
    """One piece of long work."""

    def advance(self, note: str = "") -> None:
        """One more unit is done; `note` says what to show beside the count."""

    def close(self) -> None:
        """The work has ended."""


class Display(Protocol):
    """Where bars are drawn and lines are said."""

    def bar(self, label: str, total: int) -> Bar:
        """Opens a bar of `total` units."""

    def say(self, line: str) -> None:
        """Shows one line above the bars."""


class _Silent:
    def bar(self, label: str, total: int) -> Bar:  # noqa: ARG002
        return self

    def advance(self, note: str = "") -> None: ...

    def close(self) -> None: ...

    def say(self, line: str) -> None: ...


_display: ContextVar[Display] = ContextVar("display", default=_Silent())  # noqa: B039 it holds no state


@contextmanager
def shown_on(display: Display) -> Iterator[None]:
    """Shows the progress of everything in the block on a display."""
    token = _display.set(display)
    try:
        yield
    finally:
        _display.reset(token)


@contextmanager
def bar(label: str, total: int) -> Iterator[Bar]:
    """Opens a bar that closes with the block."""
    opened = _display.get().bar(label, total)
    try:
        yield opened
    finally:
        opened.close()


def say(line: str) -> None:
    """Shows one line to whoever watches, and logs it."""
    _log.info("%s", line)
    _display.get().say(line)
