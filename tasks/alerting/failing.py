"""Channels that do not take what they are sent, as lines for whoever can mend that."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple

from tasks.alerting.channel import PREFECT
from tasks.alerting.outbox import Outbox


class Failing(NamedTuple):
    """A channel whose last try failed.

    Attributes:
        stuck: whether it needs somebody: a Prefect server that is not up is no fault.
        line: what is wrong and what to do.
    """

    stuck: bool
    line: str


def failing(outboxes: Iterable[Outbox]) -> tuple[Failing, ...]:
    """Returns the channels whose last try failed."""
    found = []
    for outbox in outboxes:
        for head in outbox.waiting():
            if not head.problem:
                continue
            count = outbox.count_waiting(head.channel.name)
            waits = "1 message waits" if count == 1 else f"{count} messages wait"
            due = f"{datetime.fromtimestamp(head.due, UTC):%H:%M:%S} UTC"
            line = (
                f"{outbox.app}: {waits} for {head.channel.name} since {head.message.at:%Y-%m-%d %H:%M} UTC: "
                f"{head.problem}; tried {head.tries} times, next at {due}"
            )
            found.append(Failing(head.stuck or head.channel.name != PREFECT.name, line))
    return tuple(found)
