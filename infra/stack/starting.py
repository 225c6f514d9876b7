"""Starts parts in parallel, shows how far each is, and waits until all are ready."""

import sqlite3
import time
from contextlib import closing

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from configs.errors import StackError
from configs.settings import settings
from infra.stack.health import healthy
from infra.stack.parts import Part
from infra.stack.supervisor import Process, Supervisor, log_path

_READY_WITHIN_S = 180.0
_LOOK_EVERY_S = 0.2


def start(supervisor: Supervisor, wanted: tuple[Part, ...]) -> tuple[str, ...]:
    """Starts those of the parts that do not run and waits until all are ready.

    A part is started once the parts that it needs are ready. Where one fails, those started here are stopped again.

    Returns:
        Names of the parts that this call started.

    Raises:
        StackError: a part ended or was not ready in time; quotes the last line of its log.
    """
    started: list[str] = []
    try:
        _start(supervisor, wanted, started)
    except BaseException:
        supervisor.stop(frozenset(started))
        raise
    return tuple(part.name for part in wanted if part.name in started)


def _start(supervisor: Supervisor, wanted: tuple[Part, ...], started: list[str]) -> None:
    deadline = time.monotonic() + _READY_WITHIN_S
    waiting = {part.name: part for part in wanted}
    first_seen: dict[str, Process] = {}
    with _progress() as progress:
        lines = {name: progress.add_task(name, total=1, state="waiting") for name in waiting}
        while True:
            processes = supervisor.processes()
            for name in started:
                if name in waiting and _has_ended(first_seen.setdefault(name, processes[name]), processes[name]):
                    raise StackError(f"{name} ended at its start: {_last_words(name)}")
            for name, part in waiting.items():
                if not processes[name].is_alive and name not in started and waiting.keys().isdisjoint(part.needs):
                    _prepare(part)
                    supervisor.start(name)
                    started.append(name)
                    progress.update(lines[name], state="starting")
            for name in healthy(waiting.values()):
                del waiting[name]
                progress.update(lines[name], state="ready", completed=1)
            if not waiting:
                return
            if time.monotonic() > deadline:
                name = next(iter(waiting))
                raise StackError(f"{name} is not ready after {_READY_WITHIN_S:.0f} s: {_last_words(name)}")
            time.sleep(_LOOK_EVERY_S)


def _has_ended(first: Process, now: Process) -> bool:
    """Whether it ended since it was first seen; that the supervisor may have started it again makes no difference."""
    return now.state in {"BACKOFF", "EXITED", "FATAL"} or now.pid != first.pid


def _prepare(part: Part) -> None:
    if part.name == "mlflow":
        _write_ahead_log()


def _write_ahead_log() -> None:
    """Puts MLflow's database into write-ahead mode, which lasts: readers then do not wait for writers."""
    path = settings().folder("mlflow") / "mlflow.db"
    try:
        with closing(sqlite3.connect(path)) as database:
            database.execute("PRAGMA journal_mode=WAL")
    except sqlite3.Error as error:
        raise StackError(f"mlflow's database {path} cannot be opened: {error}; `lifecycle doctor` says more") from None


def _last_words(name: str) -> str:
    """The last line of the part's log, and where that is."""
    path = log_path(name)
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return f"it wrote nothing to {path}"
    last = next((line.strip() for line in reversed(lines) if line.strip()), "it wrote nothing")
    return f"{last}; its log is {path}"


def _progress() -> Progress:
    return Progress(
        SpinnerColumn(finished_text="[green]✓[/]"),
        TextColumn("{task.description:<10}"),
        TextColumn("[dim]{task.fields[state]}[/]"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
    )
