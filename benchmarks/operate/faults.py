"""What is done to a stack on purpose: a process killed, a database locked, a disk full."""

import random
import resource
import sqlite3
import subprocess
import time
from contextlib import closing, suppress

import psutil

from benchmarks.operate.released import APP, World
from configs.settings import settings

_LONGEST_S = 4.0


def kill(world: World, victim: str, releaser: "subprocess.Popen[str]", chance: random.Random) -> bool:
    """Kills a process with SIGKILL, and returns whether it ran.

    Args:
        world: the stack.
        victim: name of a part, `beside`, or `releaser`; of a part, one of its processes.
        releaser: the process that releases.
        chance: chooses among a part's processes.
    """
    if victim == "releaser":
        ran = releaser.poll() is None
        releaser.kill()
        return ran
    main = _main(world, "endpoint" if victim == "beside" else victim)
    if main is None:
        return False
    with suppress(psutil.NoSuchProcess):
        of_part = [main] if victim == "endpoint" else [main, *main.children(recursive=True)]
        found = main.children() if victim == "beside" else of_part
        if found:
            chance.choice(found).kill()
            return True
    return False


def lock(chance: random.Random) -> None:
    """Locks the file of served requests, or MLflow's database, for up to four seconds."""
    path = chance.choice((settings().folder("served") / f"{APP}.db", settings().folder("mlflow") / "mlflow.db"))
    with closing(sqlite3.connect(path, timeout=10)) as database:
        database.execute("BEGIN IMMEDIATE")
        time.sleep(chance.uniform(1, _LONGEST_S))
        database.rollback()


def fill(world: World, releaser: "subprocess.Popen[str]", chance: random.Random) -> bool:
    """Has the endpoint with all its processes, or the one that releases, find the disk full for up to four seconds.

    Returns whether they ran. A limit on the size of files does it: a write that makes one larger fails, as on a full
    disk.
    """
    main = _main(world, "endpoint")
    of_endpoint = [main, *main.children(recursive=True)] if main else []
    found = of_endpoint if chance.random() < 0.5 or releaser.poll() is not None else [psutil.Process(releaser.pid)]
    _allow(found, 0)
    time.sleep(chance.uniform(1, _LONGEST_S))
    for process in found:  # those that were started meanwhile have inherited it
        with suppress(psutil.NoSuchProcess):
            _allow([process, *process.children(recursive=True)], None)
    return bool(found)


def _allow(processes: list[psutil.Process], size: int | None) -> None:
    """Sets how large a file may become by what processes write; None: as large as it may at most."""
    for process in processes:
        with suppress(ProcessLookupError):
            _, most = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (most if size is None else size, most))


def _main(world: World, name: str) -> psutil.Process | None:
    pid = world.supervisor.processes()[name].pid
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid) if pid else None
    return None
