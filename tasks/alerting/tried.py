"""What came of one try to send a message, and how long to wait before the next."""

import random
from typing import Literal, NamedTuple

Outcome = Literal["delivered", "again", "stuck", "unreadable"]
"""Delivered; may work soon; will not work before somebody mends it; the receiver cannot read this message."""

_FIRST_S = 2.0
_LONGEST_S = 900.0
_STUCK_S = 3600.0
_LONGEST_ASKED_S = 86_400.0


class Tried(NamedTuple):
    """What came of a try.

    Attributes:
        outcome: in a word.
        problem: what went wrong, in one line without an address; "" where it was delivered.
        asked_s: seconds that the receiver asked to wait.
    """

    outcome: Outcome
    problem: str = ""
    asked_s: float = 0.0

    def pause_s(self, tries: int) -> float:
        """Returns the seconds until the next try: 2, 4, 8 and so on to a quarter of an hour; an hour where it is stuck.

        Spread at random, so that not all of a machine's come back at once; never less than the receiver asked for, of
        which a day counts at most.

        Args:
            tries: how many there were, this one included.
        """
        wanted = min(_LONGEST_S, _FIRST_S * 2 ** min(tries - 1, 16)) if self.outcome == "again" else _STUCK_S
        spread = random.uniform(0.75, 1.0)  # noqa: S311 nothing secret
        return max(wanted * spread, min(self.asked_s, _LONGEST_ASKED_S))
