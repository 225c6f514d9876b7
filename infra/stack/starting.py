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
    first_seen: dict[str, Process] = {}
    waiting = {part.name: part for part in wanted}
    ready: set[str] = set()
    with _progress() as progress:
        lines = {name: progress.add_task(name, total=1, state="waiting") for name in waiting}
        while waiting:
            processes = supervisor.processes()
            for part in waiting.values():
                name = part.name
                if processes[name].is_alive:
                    first_seen.setdefault(name, processes[name])
                elif name not in started and ready.issuperset(set(part.needs) & lines.keys()):
                    _prepare(part)
                    supervisor.start(name)
                    started.append(name)
                    progress.update(lines[name], state="starting")
                if name in started and _has_ended(first_seen.get(name), processes[name]):
                    raise StackError(f"{name} ended at its start: {_last_line(name)}; its log is {log_path(name)}")
            for name in healthy(waiting.values()):
                ready.add(name)
                del waiting[name]
                progress.update(lines[name], state="ready", completed=1)
            if waiting and time.monotonic() > deadline:
                name = next(iter(waiting))
                raise StackError(
                    f"{name} is not ready after {_READY_WITHIN_S:.0f} s: {_last_line(name)}; "
                    f"its log is {log_path(name)}"
                )
            if waiting:
                time.sleep(_LOOK_EVERY_S)


def _has_ended(first: Process | None, now: Process) -> bool:
    """Whether it ended since it was first seen; that the supervisor may have started it again makes no difference."""
    if first is None:
        return now.state in {"EXITED", "FATAL"}
    return now.state in {"BACKOFF", "EXITED", "FATAL"} or 0 != now.pid != first.pid != 0


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


def _last_line(name: str) -> str:
    try:
        lines = log_path(name).read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return "it wrote no log"
    return next((line.strip() for line in reversed(lines) if line.strip()), "its log is empty")


def _progress() -> Progress:
    return Progress(
        SpinnerColumn(finished_text="[green]✓[/]"),
        TextColumn("{task.description:<10}"),
        TextColumn("[dim]{task.fields[state]}[/]"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
    )
