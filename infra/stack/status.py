"""What each part of the stack is doing."""

import time
from typing import Literal, NamedTuple

import psutil

from infra.stack.health import healthy
from infra.stack.parts import PART_NAMES, Part, elsewhere, parts
from infra.stack.supervisor import Process, connect

State = Literal["ready", "starting", "failed", "stopped", "elsewhere"]


class PartStatus(NamedTuple):
    """One part, at one moment.

    Attributes:
        name: name of the part.
        address: what a person or a client opens.
        state: `ready` answers its health check; `starting` runs but does not answer yet; `failed` ended by itself more
            often than the supervisor restarts it; `elsewhere` runs on another machine, by the settings.
        pid: None where it does not run here.
        memory_mb: resident memory of it and its children, in MiB; None where it does not run here.
        uptime_s: seconds since its start; None where it does not run here.
    """

    name: str
    address: str
    state: State
    pid: int | None = None
    memory_mb: float | None = None
    uptime_s: float | None = None


def status() -> tuple[PartStatus, ...]:
    """Returns the status of every part, in the stack's order."""
    supervisor = connect()
    processes = supervisor.processes() if supervisor else {}
    local = {part.name: part for part in parts()}
    ready = healthy(part for name, part in local.items() if name in processes and processes[name].is_alive)
    remote = elsewhere()
    return tuple(
        _local(local[name], processes.get(name), name in ready)
        if name in local
        else PartStatus(name, remote[name], "elsewhere")
        for name in PART_NAMES
    )


def _local(part: Part, process: Process | None, is_ready: bool) -> PartStatus:
    if process is None or not process.is_alive:
        failed = process is not None and process.state == "FATAL"
        return PartStatus(part.name, part.address, "failed" if failed else "stopped")
    state: State = "ready" if is_ready else "starting"
    if process.pid == 0:  # it ended, and the supervisor is about to start it again
        return PartStatus(part.name, part.address, state)
    uptime = max(0.0, time.time() - process.started)
    return PartStatus(part.name, part.address, state, process.pid, _memory_mb(process.pid), round(uptime, 1))


def _memory_mb(pid: int) -> float | None:
    try:
        parent = psutil.Process(pid)
        family = [parent, *parent.children(recursive=True)]
        total = sum(process.memory_info().rss for process in family)
    except psutil.Error:
        return None
    return round(total / 2**20, 1)
