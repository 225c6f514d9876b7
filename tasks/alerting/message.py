"""A message: what one look has to tell one channel, new, over and still wrong together."""

from datetime import datetime

from configs.schema.base import Frozen
from tasks.alerting.alert import Alert

_TEXT = 1000


class Message(Frozen):
    """What a channel is told at once."""

    id: str
    """Its own; a message that is sent twice has it twice, so that a receiver can drop the second."""
    app: str
    """Name of the app."""
    at: datetime
    """When it was written, in UTC."""
    opened: tuple[Alert, ...] = ()
    """What is new, or worse than it was."""
    reminded: tuple[Alert, ...] = ()
    """What was told before and is still wrong."""
    recovered: tuple[Alert, ...] = ()
    """What is over."""
    test: bool = False
    """Whether it only tries the channel."""

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """All that it tells."""
        return (*self.opened, *self.reminded, *self.recovered)

    @property
    def text(self) -> str:
        """All of it in a line."""
        if self.test:
            return f"{self.app}: a test; alerts of this app arrive here"
        parts = [alert.title for alert in self.opened]
        parts += [f"still: {alert.title}" for alert in self.reminded]
        parts += [f"recovered: {alert.title}" for alert in self.recovered]
        line = f"{self.app}: {'; '.join(parts)}"
        return line if len(line) <= _TEXT else f"{line[: _TEXT - 1]}…"
