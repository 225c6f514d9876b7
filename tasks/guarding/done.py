"""What a guard did, and how one fails."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, NamedTuple

Side = Literal["input", "output"]


class Done(NamedTuple):
    """What a guard did: `pii`, at the `input`, did `redact`."""

    guard: str
    side: Side
    action: Literal["redact", "block"]


class GuardError(Exception):
    """A guard that failed: what it looked at must not pass. The message holds nothing of the text."""


@contextmanager
def failing_closed(guard: str) -> Iterator[None]:
    """Makes whatever goes wrong in a guard a `GuardError`: its kind and place, and not its words, which may be a text.

    Raises:
        GuardError: it failed.
    """
    try:
        yield
    except Exception as error:
        at = error.__traceback__
        while at is not None and at.tb_next is not None:
            at = at.tb_next
        place = f" at {at.tb_frame.f_code.co_filename}:{at.tb_lineno}" if at is not None else ""
        raise GuardError(f"guard {guard}: {type(error).__name__}{place}") from None
