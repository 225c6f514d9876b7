"""A rollout that ended without anybody's doing, which nobody would hear of otherwise."""

from collections.abc import Sequence
from typing import NamedTuple

from tasks.releasing.entry import Entry

_BY_ITSELF = ("rollout", "endpoint")
"""Who takes the steps of a rollout that no person takes: the judge, and the endpoint that cannot serve a candidate."""


class Ended(NamedTuple):
    """A rollout that ended by itself.

    Attributes:
        step: its last step.
        rolled_back: the change that took its candidate's place as champion away; None where it was not promoted.
        unproven: whether its candidate stays champion, and too few answers since its promotion say how good it is.
    """

    step: Entry
    rolled_back: Entry | None
    unproven: bool = False

    @property
    def reason(self) -> str:
        """Who ended it, and why."""
        told = self.rolled_back or self.step
        return f"{told.who}: {told.why}"


def ended_by_itself(entries: Sequence[Entry]) -> Ended | None:
    """Returns the rollout with whose end a release log closes, where no person ended it.

    Whatever follows in the log, such as the next release, is somebody's answer to it.
    """
    if not entries or entries[-1].stage != "ended" or entries[-1].who not in _BY_ITSELF:
        return None
    step, before = entries[-1], entries[-2] if len(entries) > 1 else None
    back = before is not None and before.kind == "commit" and before.action == "rollback"
    return Ended(step, before if back else None, unproven=_stays(entries))


def _stays(entries: Sequence[Entry]) -> bool:
    """Returns whether the last step ends the watch over a candidate that is champion still."""
    stages = [entry.stage for entry in entries if entry.stage is not None]
    champion = next((entry.candidate for entry in reversed(entries) if entry.kind == "commit"), None)
    return stages[-2:] == ["watch", "ended"] and champion == entries[-1].candidate
