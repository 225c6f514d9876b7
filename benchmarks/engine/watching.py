"""Watches an endpoint while something calls it: shows how far it is, and when the last reply went out."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

LOOK_EVERY_S = 0.05

_console = Console(stderr=True)


def say(line: str) -> None:
    """Shows one line on standard error."""
    _console.print(line, markup=False, highlight=False, soft_wrap=True)


class Watch:
    """What an endpoint's own statistics say, looked at every `LOOK_EVERY_S`.

    Attributes:
        answered: requests answered whole.
        span_s: seconds from the first request to the last answer, too long by `LOOK_EVERY_S` at most.
        last: the statistics, as they were looked at last.
    """

    def __init__(self, address: str) -> None:
        self._client = httpx.Client(trust_env=False)
        self._url = f"{address.removesuffix('/v1')}/simulator/statistics"
        self.answered = 0
        self.span_s = 0.0
        self.last: dict[str, Any] = {}

    @property
    def rate(self) -> float:
        """Answers a second over the span of the calls."""
        return self.answered / self.span_s if self.span_s else 0.0

    def look(self) -> None:
        """Looks once."""
        self.last = self._client.get(self._url).raise_for_status().json()
        if self.last["answered"] != self.answered:
            self.answered, self.span_s = self.last["answered"], self.last["seconds"]

    def close(self) -> None:
        """Closes the connection."""
        self._client.close()


@contextmanager
def watching(address: str, label: str, total: int) -> Iterator[Watch]:
    """Watches an endpoint while the block runs, and shows its answers as a bar; the last look is at the block's end."""
    watch, ended = Watch(address), threading.Event()
    with _progress() as progress:
        shown = progress.add_task(label, total=total)

        def look() -> None:
            while not ended.wait(LOOK_EVERY_S):
                watch.look()
                progress.update(shown, completed=watch.answered)

        thread = threading.Thread(target=look, daemon=True, name="watch")
        thread.start()
        try:
            yield watch
        finally:
            ended.set()
            thread.join()
            watch.look()
            watch.close()
    say(f"  {label}: {watch.answered} answers in {watch.span_s:.1f} s, {watch.rate:.0f}/s")


def _progress() -> Progress:
    return Progress(
        TextColumn("  {task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=_console,
        transient=True,
        refresh_per_second=2,
        disable=not _console.is_terminal,
    )
