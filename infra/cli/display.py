"""Progress in the terminal: bars on standard error, one line at a time where nobody watches."""

import time

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

from tasks.progress import Bar


class TerminalDisplay:
    """Draws bars while its block runs. Where standard error is no terminal, a finished bar is one line."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
            console=self._console,
            disable=not self._console.is_terminal,
        )

    def __enter__(self) -> "TerminalDisplay":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def bar(self, label: str, total: int) -> Bar:
        """Opens a bar of `total` units."""
        return _TerminalBar(self._progress, self._console, label, total)

    def say(self, line: str) -> None:
        """Shows one line above the bars."""
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


class _TerminalBar:
    def __init__(self, progress: Progress, console: Console, label: str, total: int) -> None:
        self._progress, self._console = progress, console
        self._label, self._total, self._done = label, total, 0
        self._started = time.monotonic()
        self._task = progress.add_task(label, total=total, note="", rate="")

    def advance(self, note: str = "") -> None:
        self._done += 1
        rate = f"{self._done / max(time.monotonic() - self._started, 1e-6):.1f}/s"
        self._progress.update(self._task, advance=1, note=note, rate=rate)

    def close(self) -> None:
        seconds = time.monotonic() - self._started
        if not self._console.is_terminal:
            self._console.print(f"{self._label}: {self._done}/{self._total} in {seconds:.1f} s", markup=False)
