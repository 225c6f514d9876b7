"""Starts and stops the local stack: `up` and `down` for good, `running` for as long as a block of code needs it."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

import psutil
from filelock import FileLock

from configs.errors import StackError
from configs.settings import settings
from infra.stack import users
from infra.stack.health import check_ports, healthy
from infra.stack.leftovers import end_marked_processes
from infra.stack.parts import PART_NAMES, Part, parts
from infra.stack.starting import start
from infra.stack.supervisor import UNREACHABLE, Supervisor, connect, start_supervisor, write_configuration


class Change(NamedTuple):
    """What a command changed.

    Attributes:
        names: names of the parts that it started or ended, in the stack's order.
        leftovers: number of processes that it ended and that nobody had supervised any more.
    """

    names: tuple[str, ...]
    leftovers: int = 0


def up(names: Collection[str] | None = None) -> Change:
    """Starts the parts that are not up, waits until all are ready, and keeps them up until `down`.

    Parts whose settings have changed since they were started are restarted. On failure, what this call started is
    stopped again.

    Args:
        names: parts; all where not given. Those that run elsewhere by the settings are left alone.

    Raises:
        ConfigurationError: a name is unknown.
        StackError: a port is busy or a part does not start; nothing else was changed.
    """
    wanted = parts(names)
    with _lock():
        outdated: frozenset[str] = frozenset()
        if supervisor := connect():
            check_ports(part for part in wanted if part.name not in _alive(supervisor))
            write_configuration()
            outdated = supervisor.apply_configuration(frozenset(PART_NAMES))
        started = _start_missing(supervisor, parts({part.name for part in wanted} | outdated))
        users.keep([part.name for part in wanted])
    return Change(started)


def down() -> Change:
    """Ends every process of the stack, supervised or not, and returns when they have ended."""
    with _lock():
        ended: tuple[str, ...] = ()
        if supervisor := connect():
            ended = tuple(name for name in PART_NAMES if name in _alive(supervisor))
            _shut_down(supervisor)
        leftovers = end_marked_processes()
        users.forget_all()
    return Change(ended, leftovers)


@contextmanager
def running(names: Collection[str]) -> Iterator[None]:
    """Has the parts running for the length of the block.

    The missing ones are started. When the last such block of any process ends, every part that `up` did not start is
    stopped, and the supervisor with the last of them.

    Raises:
        ConfigurationError: a name is unknown.
        StackError: a part does not start.
    """
    wanted = parts(names)
    with _lock():
        users.live_users()
        user = users.enter()
        try:
            _start_missing(connect(), wanted)
        except BaseException:
            users.leave(user)
            _stop_unused()
            raise
    try:
        yield
    finally:
        with _lock():
            users.leave(user)
            _stop_unused()


def restart(name: str) -> None:
    """Starts a part anew that runs here, and waits until it is ready.

    Raises:
        StackError: it is not running here, or does not start.
    """
    with _lock():
        supervisor = connect()
        if supervisor is None or name not in _alive(supervisor):
            raise StackError(f"{name} does not run on this machine; start it with `lifecycle up`")
        supervisor.stop(frozenset({name}))
        _start(supervisor, parts({name}))


def _lock() -> FileLock:
    return FileLock(settings().folder("stack") / "lock")


def _start_missing(supervisor: Supervisor | None, wanted: tuple[Part, ...]) -> tuple[str, ...]:
    if not wanted:
        return ()
    if supervisor is None:
        end_marked_processes()
        check_ports(wanted)
        return _start(start_supervisor(), wanted)
    ready = healthy(wanted) & _alive(supervisor)
    if len(ready) == len(wanted):
        return ()
    write_configuration()
    supervisor.apply_configuration(frozenset(part.name for part in wanted) - ready)
    check_ports(part for part in wanted if part.name not in _alive(supervisor))
    return _start(supervisor, wanted)


def _alive(supervisor: Supervisor) -> frozenset[str]:
    return frozenset(name for name, process in supervisor.processes().items() if process.is_alive)


def _start(supervisor: Supervisor, wanted: tuple[Part, ...]) -> tuple[str, ...]:
    try:
        return start(supervisor, wanted)
    except BaseException:
        if not _alive(supervisor):
            _shut_down(supervisor)
        raise


def _stop_unused() -> None:
    """Stops what `up` did not start, unless somebody still uses it."""
    if users.live_users():
        return
    supervisor = connect()
    if supervisor is None:
        return
    alive = _alive(supervisor)
    if alive & users.kept():
        supervisor.stop(alive - users.kept())
    else:
        _shut_down(supervisor)


def _shut_down(supervisor: Supervisor) -> None:
    with suppress(*UNREACHABLE, psutil.NoSuchProcess):  # it has ended already, or ends meanwhile
        supervisor.shut_down()
