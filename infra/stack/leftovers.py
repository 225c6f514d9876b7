"""Processes of this stack that nobody supervises any more, found by the mark that every one of them carries."""

import contextlib

import psutil

from configs.settings import settings
from infra.stack.environment import MARK, mark

_TERMINATE_WITHIN_S = 8.0
_KILL_WITHIN_S = 5.0


def marked_processes() -> list[psutil.Process]:
    """Returns the processes of this user that carry exactly the mark of this home, without this process."""
    wanted = mark(settings())
    own = psutil.Process()
    user = own.uids().real
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process != own and process.uids().real == user and _mark_of(process) == wanted:
                found.append(process)
    return found


def end_marked_processes() -> int:
    """Ends them: first asks, then kills. Returns how many there were."""
    ended = 0
    while processes := marked_processes():  # again, in case one of them started another meanwhile
        ended += len(processes)
        _signal(processes, "terminate")
        _, alive = psutil.wait_procs(processes, _TERMINATE_WITHIN_S)
        _signal(alive, "kill")
        psutil.wait_procs(alive, _KILL_WITHIN_S)
    return ended


def _mark_of(process: psutil.Process) -> str | None:
    if process.status() == psutil.STATUS_ZOMBIE:
        return None
    return process.environ().get(MARK)


def _signal(processes: list[psutil.Process], action: str) -> None:
    for process in processes:
        with contextlib.suppress(psutil.Error):
            getattr(process, action)()
