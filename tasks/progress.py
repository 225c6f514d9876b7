"""Progress of long work: whoever runs a pipeline decides how it is shown; by default it is not.

What is said in words is logged as well, so that Prefect's UI has it beside the run.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

_log = logging.getLogger("lifecycle")
_log.setLevel(logging.INFO)


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
